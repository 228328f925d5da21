//! Patterns that take a sentence apart: words, `*` for any number of words, and `a|b` for one of several.

/// What the stars of a pattern stand for, from the left, where it fits all of the words.
///
/// A star takes as few words as it can.
pub(super) fn take_apart<'a>(pattern: &str, words: &'a [String]) -> Option<Vec<&'a [String]>> {
    let pattern: Vec<_> = pattern.split(' ').collect();
    let mut stars = Vec::new();
    fits(&pattern, words, &mut stars).then_some(stars)
}

fn fits<'a>(pattern: &[&str], words: &'a [String], stars: &mut Vec<&'a [String]>) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return words.is_empty();
    };
    if *first == "*" {
        return (0..=words.len()).any(|end| {
            stars.push(&words[..end]);
            let fits = fits(rest, &words[end..], stars);
            if !fits {
                stars.pop();
            }
            fits
        });
    }
    let Some((word, others)) = words.split_first() else {
        return false;
    };
    first.split('|').any(|one| word.eq_ignore_ascii_case(one)) && fits(rest, others, stars)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(pattern: &str, text: &str) -> Option<Vec<String>> {
        let words: Vec<_> = text.split_whitespace().map(ToOwned::to_owned).collect();
        let stars = take_apart(pattern, &words)?;
        Some(stars.into_iter().map(|star| star.join(" ")).collect())
    }

    #[test]
    fn a_star_takes_any_number_of_words() {
        let star = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(
            apart("* i am *", "well I am tired"),
            star(&["well", "tired"])
        );
        assert_eq!(apart("* i am *", "i am"), star(&["", ""]));
        assert_eq!(apart("* i am *", "am i"), None);
    }

    #[test]
    fn one_of_several_words_is_enough() {
        assert!(apart("* i want|need *", "I need sleep").is_some());
        assert!(apart("* i want|need *", "I take sleep").is_none());
    }
}
