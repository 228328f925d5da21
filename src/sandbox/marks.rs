//! What the server finds in people's words by itself: commands and mentions.

use serde_json::{Value, json};

/// Commands and mentions as entities, in order, with offsets in UTF-16 units.
pub(super) fn of(text: &str) -> Vec<Value> {
    let mut marks = Vec::new();
    let (mut at, mut offset) = (0, 0);
    let mut before = None;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let found = match next {
            '/' => command(rest, before).map(|length| ("bot_command", length)),
            '@' => mention(rest, before).map(|length| ("mention", length)),
            _ => None,
        };
        // Both are ASCII: bytes are units.
        let length = found.map_or(next.len_utf8(), |(_, length)| length);
        if let Some((kind, length)) = found {
            marks.push(json!({ "type": kind, "offset": offset, "length": length }));
        }
        let passed = &rest[..length];
        offset += passed.encode_utf16().count();
        before = passed.chars().next_back();
        at += length;
    }
    marks
}

/// A slash and a name of up to 64 letters, perhaps with a bot's name; and no path.
fn command(rest: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|before| !before.is_whitespace()) {
        return None;
    }
    let name = word(&rest[1..]);
    if !(1..=64).contains(&name) {
        return None;
    }
    let end = 1 + name;
    let bot = rest[end..].strip_prefix('@').map_or(0, word);
    let end = if (3..=32).contains(&bot) {
        end + 1 + bot
    } else {
        end
    };
    (!rest[end..].starts_with(['/', '<', '>'])).then_some(end)
}

/// An at sign and a name of 3 to 32 letters, which is no part of an address.
fn mention(rest: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|before| before.is_alphanumeric() || before == '_') {
        return None;
    }
    let name = word(&rest[1..]);
    (3..=32).contains(&name).then_some(1 + name)
}

fn word(text: &str) -> usize {
    let is_of_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.bytes().take_while(is_of_a_name).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(text: &str) -> Vec<(String, u64, u64)> {
        let marks = of(text);
        let place = |mark: &Value, name: &str| mark[name].as_u64().unwrap();
        let mark = |mark: &Value| {
            let kind = mark["type"].as_str().unwrap().to_owned();
            (kind, place(mark, "offset"), place(mark, "length"))
        };
        marks.iter().map(mark).collect()
    }

    #[test]
    fn commands_and_mentions_are_found_where_they_stand() {
        let command = |offset, length| ("bot_command".to_owned(), offset, length);
        let mention = |offset, length| ("mention".to_owned(), offset, length);
        assert_eq!(found("/ping"), [command(0, 5)]);
        assert_eq!(found("/ping@sandbox_bot now"), [command(0, 17)]);
        assert_eq!(
            found("𝄞 @sandbox_bot: hi, @ada!"),
            [mention(3, 12), mention(21, 4)]
        );
        assert_eq!(found("say /ping"), [command(4, 5)]);
    }

    #[test]
    fn paths_addresses_and_lone_signs_are_not_marked() {
        for text in ["/usr/bin", "a/b", "ada@example.org", "/ @ @ab", "1 / 2", ""] {
            assert_eq!(of(text), Vec::<Value>::new(), "{text}");
        }
    }
}
