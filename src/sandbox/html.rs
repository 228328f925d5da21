//! The Bot API's HTML: a text, and entities with offsets in UTF-16 units.
//!
//! <https://core.telegram.org/bots/api#html-style>; errors are worded as the public server words them.

use serde_json::{Value, json};

use super::answer::ApiError;

/// A text without its mark-up, and what the mark-up said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) text: String,
    pub(super) entities: Vec<Value>,
}

/// A tag that was not closed yet.
struct Open {
    name: String,
    /// The entity that it begins; none for a link to nowhere, which leaves its text plain.
    entity: Option<Value>,
    offset: usize,
}

pub(super) fn parse(html: &str) -> Result<Parsed, ApiError> {
    read(html).map_err(|what| ApiError::bad_request(&format!("can't parse entities: {what}")))
}

fn read(html: &str) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    let mut open: Vec<Open> = Vec::new();
    let mut units = 0;
    let mut at = 0;
    while let Some(next) = html[at..].chars().next() {
        if next == '<' {
            let end = tag_end(html, at)?;
            let tag = &html[at + 1..end];
            match tag.strip_prefix('/') {
                Some(name) => close(name, at, units, &mut open, &mut parsed.entities)?,
                None => open.push(begin(tag, at, units, open.last())?),
            }
            at = end + 1;
            continue;
        }
        let (read, length) = match next {
            '&' => reference(&html[at..]).unwrap_or(('&', 1)),
            plain => (plain, plain.len_utf8()),
        };
        parsed.text.push(read);
        units += read.len_utf16();
        at += length;
    }
    if let Some(tag) = open.last() {
        return Err(format!(
            "Can't find end tag corresponding to start tag \"{}\"",
            tag.name
        ));
    }
    // The server tells them in the order of their beginnings, the longer of two first.
    let place = |entity: &Value, field: &str| entity[field].as_u64().unwrap_or(0);
    parsed.entities.sort_by_key(|entity| {
        let length = std::cmp::Reverse(place(entity, "length"));
        (place(entity, "offset"), length)
    });
    Ok(parsed)
}

/// Where the tag that begins here ends; a value in quotes may hold a `>`.
fn tag_end(html: &str, at: usize) -> Result<usize, String> {
    let mut quote = None;
    for (index, byte) in html.bytes().enumerate().skip(at + 1) {
        match (quote, byte) {
            (None, b'>') => return Ok(index),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    let kind = if html[at..].starts_with("</") {
        "end"
    } else {
        "start"
    };
    Err(format!("Unclosed {kind} tag at byte offset {at}"))
}

fn begin(tag: &str, at: usize, offset: usize, parent: Option<&Open>) -> Result<Open, String> {
    let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    let name = name.to_ascii_lowercase();
    let attribute = |wanted: &str| attribute(attributes, wanted);
    let class = attribute("class");
    let entity = match name.as_str() {
        "b" | "strong" => json!({ "type": "bold" }),
        "i" | "em" => json!({ "type": "italic" }),
        "u" | "ins" => json!({ "type": "underline" }),
        "s" | "strike" | "del" => json!({ "type": "strikethrough" }),
        "tg-spoiler" => json!({ "type": "spoiler" }),
        "span" if class.as_deref() == Some("tg-spoiler") => json!({ "type": "spoiler" }),
        "span" => {
            return Err(format!(
                "Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}"
            ));
        }
        "blockquote"
            if attributes
                .split_whitespace()
                .any(|word| word == "expandable") =>
        {
            json!({ "type": "expandable_blockquote" })
        }
        "blockquote" => json!({ "type": "blockquote" }),
        "pre" => json!({ "type": "pre" }),
        "code" => {
            let language = class.as_deref().and_then(|it| it.strip_prefix("language-"));
            match (language, parent) {
                (Some(language), Some(Open { name, .. })) if name == "pre" => {
                    json!({ "type": "code", "language": language })
                }
                _ => json!({ "type": "code" }),
            }
        }
        "a" => link(&attribute("href").unwrap_or_default()),
        _ => {
            return Err(format!(
                "Unsupported start tag \"{name}\" at byte offset {at}"
            ));
        }
    };
    Ok(Open {
        name,
        entity: entity.is_object().then_some(entity),
        offset,
    })
}

/// A mention by number has only the number yet: whoever knows the people puts the person in.
fn link(address: &str) -> Value {
    if let Some(id) = address.strip_prefix("tg://user?id=") {
        return match id.parse::<i64>() {
            Ok(id) => json!({ "type": "text_mention", "user": { "id": id } }),
            Err(_) => Value::Null,
        };
    }
    match address.split_once(':') {
        Some(("http" | "https" | "tg" | "ton", _)) => {
            json!({ "type": "text_link", "url": address })
        }
        None if address.contains('.') => {
            json!({ "type": "text_link", "url": format!("http://{address}/") })
        }
        _ => Value::Null,
    }
}

fn close(
    name: &str,
    at: usize,
    units: usize,
    open: &mut Vec<Open>,
    entities: &mut Vec<Value>,
) -> Result<(), String> {
    let name = name.trim_end().to_ascii_lowercase();
    let Some(tag) = open.pop() else {
        return Err(format!("Unexpected end tag at byte offset {at}"));
    };
    if !name.is_empty() && name != tag.name {
        return Err(format!(
            "Unmatched end tag at byte offset {at}, expected \"</{}>\", found \"</{name}>\"",
            tag.name
        ));
    }
    let Some(mut entity) = tag.entity.filter(|_| units > tag.offset) else {
        return Ok(());
    };
    entity["offset"] = json!(tag.offset);
    entity["length"] = json!(units - tag.offset);
    // `<pre><code class="language-…">` is one entity, which the outer tag becomes.
    if let Some(language) = entity.get("language").cloned()
        && let Some(outer) = open.last_mut().and_then(|outer| outer.entity.as_mut())
    {
        outer["language"] = language;
        return Ok(());
    }
    entities.push(entity);
    Ok(())
}

fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes.trim_start();
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.split_whitespace().next_back().unwrap_or_default();
        let value = value.trim_start();
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote)?,
            _ => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(unescape(value));
        }
        rest = after;
    }
    None
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let (read, length) = match next {
            '&' => reference(rest).unwrap_or(('&', 1)),
            other => (other, other.len_utf8()),
        };
        plain.push(read);
        rest = &rest[length..];
    }
    plain
}

/// The character that a reference like `&lt;` stands for, and its length; others are left as they are.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.find(';').filter(|end| *end < 12)?;
    let read = match &text[1..end] {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        number => {
            let digits = number.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|read| *read != '\0')?
        }
    };
    Some((read, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(html: &str) -> (String, Vec<Value>) {
        let parsed = parse(html).unwrap();
        (parsed.text, parsed.entities)
    }

    #[track_caller]
    fn refused(html: &str) -> String {
        parse(html).unwrap_err().description
    }

    #[test]
    fn offsets_count_utf16_units() {
        let (text, entities) = parsed("𝄞 <b>Wait, 𝄞</b>!");
        assert_eq!(text, "𝄞 Wait, 𝄞!");
        let bold = json!({ "type": "bold", "offset": 3, "length": 8 });
        assert_eq!(entities, [bold]);
    }

    #[test]
    fn every_tag_has_its_entity() {
        for (html, kind) in [
            ("<strong>x</strong>", "bold"),
            ("<em>x</em>", "italic"),
            ("<ins>x</ins>", "underline"),
            ("<del>x</del>", "strikethrough"),
            ("<code>x</code>", "code"),
            ("<pre>x</pre>", "pre"),
            ("<tg-spoiler>x</tg-spoiler>", "spoiler"),
            (r#"<span class="tg-spoiler">x</span>"#, "spoiler"),
            ("<blockquote>x</blockquote>", "blockquote"),
            (
                "<blockquote expandable>x</blockquote>",
                "expandable_blockquote",
            ),
            ("<B>x</b>", "bold"),
        ] {
            let (text, entities) = parsed(html);
            assert_eq!((text.as_str(), &entities[0]["type"]), ("x", &json!(kind)));
        }
    }

    #[test]
    fn links_and_mentions_are_told_apart() {
        let (_, entities) =
            parsed(r#"<a href="tg://user?id=5">A</a><a href='https://x.y?a&amp;b'>B</a>"#);
        let mention =
            json!({ "type": "text_mention", "user": { "id": 5 }, "offset": 0, "length": 1 });
        let link =
            json!({ "type": "text_link", "url": "https://x.y?a&b", "offset": 1, "length": 1 });
        assert_eq!(entities, [mention, link]);
    }

    #[test]
    fn a_language_belongs_to_the_block() {
        let (_, entities) = parsed(r#"<pre><code class="language-rust">fn</code></pre>"#);
        let block = json!({ "type": "pre", "language": "rust", "offset": 0, "length": 2 });
        assert_eq!(entities, [block]);
    }

    #[test]
    fn nested_entities_come_in_the_order_of_their_beginnings() {
        let (text, entities) = parsed("<b>a<i>b</i></b><u></u>");
        assert_eq!(text, "ab");
        let bold = json!({ "type": "bold", "offset": 0, "length": 2 });
        let italic = json!({ "type": "italic", "offset": 1, "length": 1 });
        assert_eq!(entities, [bold, italic]);
    }

    #[test]
    fn references_are_read_and_unknown_ones_left() {
        let (text, _) = parsed("&lt;&gt;&amp;&quot;&#65;&#x42; &nbsp; & &;");
        assert_eq!(text, "<>&\"AB &nbsp; & &;");
    }

    #[test]
    fn what_is_broken_is_named() {
        for (html, what) in [
            (
                "<b>x",
                "Can't find end tag corresponding to start tag \"b\"",
            ),
            ("x</b>", "Unexpected end tag at byte offset 1"),
            (
                "<b>x</i>",
                "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\"",
            ),
            ("a <3", "Unclosed start tag at byte offset 2"),
            ("<Ada>", "Unsupported start tag \"ada\" at byte offset 0"),
            (
                "<span>x</span>",
                "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0",
            ),
        ] {
            let expected = format!("Bad Request: can't parse entities: {what}");
            assert_eq!(refused(html), expected, "{html}");
        }
    }
}
