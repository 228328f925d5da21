//! Characters that came apart.

/// Puts U+FFFD in the place of halves of surrogate pairs, which a script's strings may have alone and JSON for Rust may not.
pub(super) fn mend(json: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = json
        .get(at..)
        .and_then(|rest| rest.iter().position(|&byte| byte == b'\\'))
    {
        at += found;
        at += match (escaped(json, at), escaped(json, at + ESCAPE)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 2 * ESCAPE,
            (Some(0xd800..=0xdfff), _) => {
                json[at..at + ESCAPE].copy_from_slice(b"\\ufffd");
                ESCAPE
            }
            (Some(_), _) => ESCAPE,
            // A line end, or a backslash.
            (None, _) => 2,
        };
    }
}

/// As long as `\u0000`.
const ESCAPE: usize = 6;

/// What is escaped by its number there.
fn escaped(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_characters_are_replaced_and_whole_ones_kept() {
        for (sent, read) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00\ud83d\ud83d\ude00""#, "\u{fffd}\u{fffd}\u{1f600}"),
            (r#""\\ud83d\n""#, "\\ud83d\n"),
            (r#""\u00e9 \ud83d\u0041""#, "é \u{fffd}A"),
        ] {
            let mut json = sent.as_bytes().to_vec();
            mend(&mut json);
            assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), read);
        }
        for odd in [r#"\"#, r#"\u"#, r#"\ud8"#, r#"\uzzzz"#] {
            mend(&mut odd.as_bytes().to_vec());
        }
    }
}
