//! Turns what somebody said of themselves round, so that it can be said to them.

/// Pairs of words first, so that the verb agrees.
const PAIRS: [(&str, &str); 12] = [
    ("i am", "you are"),
    ("i was", "you were"),
    ("am i", "are you"),
    ("was i", "were you"),
    ("you are", "I am"),
    ("you were", "I was"),
    ("are you", "am I"),
    ("were you", "was I"),
    ("to you", "to me"),
    ("for you", "for me"),
    ("with you", "with me"),
    ("of you", "of me"),
];

const WORDS: [(&str, &str); 12] = [
    ("i", "you"),
    ("me", "you"),
    ("my", "your"),
    ("mine", "yours"),
    ("myself", "yourself"),
    ("you", "I"),
    ("your", "my"),
    ("yours", "mine"),
    ("yourself", "myself"),
    ("we", "you"),
    ("us", "you"),
    ("our", "your"),
];

pub(super) fn reflect(words: &[String]) -> String {
    let mut said: Vec<&str> = Vec::with_capacity(words.len());
    let mut rest = words;
    while let [first, others @ ..] = rest {
        let pair = others
            .first()
            .and_then(|second| find(&PAIRS, &format!("{first} {second}")));
        match pair {
            Some(pair) => {
                said.push(pair);
                rest = &others[1..];
            }
            None => {
                let is_last = others.is_empty();
                said.push(match find(&WORDS, first) {
                    // At the end of what was said it is hardly who does something.
                    Some("I") if is_last && !said.is_empty() => "me",
                    Some(word) => word,
                    None => first,
                });
                rest = others;
            }
        }
    }
    said.join(" ")
}

fn find(table: &[(&'static str, &'static str)], said: &str) -> Option<&'static str> {
    let found = table
        .iter()
        .find(|(from, _)| from.eq_ignore_ascii_case(said));
    found.map(|(_, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_change_places() {
        let turned = |text: &str| {
            let words: Vec<_> = text.split(' ').map(ToOwned::to_owned).collect();
            reflect(&words)
        };
        assert_eq!(turned("my brother hates me"), "your brother hates you");
        assert_eq!(turned("I am afraid of you"), "you are afraid of me");
        assert_eq!(turned("you are kind"), "I am kind");
        assert_eq!(turned("talk to you"), "talk to me");
        assert_eq!(turned("I like you"), "you like me");
        assert_eq!(turned("Berlin"), "Berlin");
    }
}
