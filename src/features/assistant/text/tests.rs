//! What Markdown looks like in a chat.

use std::fmt::Write;

use teloxide::types::MessageEntityKind;

use super::*;

/// The text with what is marked in brackets, as `b[bold]`. Offsets are checked by the way.
#[track_caller]
pub(super) fn shown(rich: &Rich) -> String {
    assert_sound(rich);
    let units: Vec<u16> = rich.text.encode_utf16().collect();
    let mut shown = String::new();
    let mut from = 0;
    let ends_at = |at: usize, entity: &MessageEntity| entity.offset + entity.length == at;
    for at in 0..=units.len() {
        let marks = rich.entities.iter();
        let ends = marks.clone().filter(|entity| ends_at(at, entity)).count();
        let begins: Vec<_> = marks.filter(|entity| entity.offset == at).collect();
        if ends + begins.len() > 0 || at == units.len() {
            shown.push_str(&String::from_utf16(&units[from..at]).unwrap());
            from = at;
        }
        shown.extend(std::iter::repeat_n(']', ends));
        for entity in begins {
            write!(shown, "{}[", name(&entity.kind)).unwrap();
        }
    }
    shown
}

fn name(kind: &MessageEntityKind) -> String {
    match kind {
        MessageEntityKind::Bold => "b".into(),
        MessageEntityKind::Italic => "i".into(),
        MessageEntityKind::Strikethrough => "s".into(),
        MessageEntityKind::Code => "code".into(),
        MessageEntityKind::Pre { language } => {
            format!("pre:{}", language.as_deref().unwrap_or_default())
        }
        MessageEntityKind::Blockquote => "q".into(),
        MessageEntityKind::TextLink { url } => format!("a:{url}"),
        other => panic!("{other:?}"),
    }
}

/// What Telegram demands: within the text, between characters, one within another or apart, nothing in code, no white
/// space around, and in order.
#[track_caller]
pub(super) fn assert_sound(rich: &Rich) {
    assert_eq!(rich.text, rich.text.trim_end());
    let units: Vec<u16> = rich.text.encode_utf16().collect();
    let mut open: Vec<&MessageEntity> = Vec::new();
    let mut last = (0, std::cmp::Reverse(usize::MAX));
    for entity in &rich.entities {
        let end = entity.offset + entity.length;
        assert!(entity.length > 0 && end <= units.len(), "{entity:?}");
        let inside = String::from_utf16(&units[entity.offset..end]).expect("whole characters");
        let is_code = span::is_code(&entity.kind);
        assert!(!inside.trim().is_empty(), "{entity:?}");
        let keeps_start = is_code || entity.kind == MessageEntityKind::Blockquote;
        assert_eq!(inside, inside.trim_end(), "{entity:?}");
        assert!(keeps_start || inside == inside.trim_start(), "{entity:?}");
        assert!(last <= (entity.offset, std::cmp::Reverse(end)), "{rich:?}");
        last = (entity.offset, std::cmp::Reverse(end));
        open.retain(|other| other.offset + other.length > entity.offset);
        for other in &open {
            assert!(end <= other.offset + other.length, "{other:?} {entity:?}");
            assert_ne!(other.kind, entity.kind);
            let is_quote = other.kind == MessageEntityKind::Blockquote;
            assert!(is_quote || !is_code, "code in {other:?}");
            assert!(!span::is_code(&other.kind), "{entity:?} in code");
        }
        open.push(entity);
    }
}

#[track_caller]
fn assert_shows(cases: &[(&str, &str)]) {
    for (markdown, expected) in cases {
        assert_eq!(shown(&render(markdown)), *expected, "{markdown:?}");
    }
}

#[test]
fn formats_are_marked_and_offsets_count_utf16_units() {
    assert_shows(&[
        ("𝄞 **bold** and *italic*", "𝄞 b[bold] and i[italic]"),
        ("~~gone~~ `x = 1`", "s[gone] code[x = 1]"),
        ("**a *b* c**", "b[a i[b] c]"),
        ("***b** c*", "i[b[b] c]"),
        ("# Title\ntext", "b[Title]\n\ntext"),
        ("## A **b** c", "b[A b c]"),
        ("a\\\nb  \nc\nd", "a\nb\nc\nd"),
        ("one\n\n\n\ntwo", "one\n\ntwo"),
        ("one\n\n---\n\ntwo", "one\n\n———\n\ntwo"),
    ]);
    let music = render("𝄞 **b**");
    assert_eq!(music.entities, [MessageEntity::bold(3, 1)]);
}

#[test]
fn code_lies_within_a_quote_at_most() {
    assert_shows(&[
        ("**a `b` c**", "b[a] code[b] b[c]"),
        ("# `x`", "code[x]"),
        ("[`x`](https://e.org/)", "a:https://e.org/[x]"),
        ("> a `b`", "q[a code[b]]"),
        ("> ```sh\n> ls\n> ```", "q[pre:sh[ls]]"),
    ]);
}

#[test]
fn blocks_of_code_keep_their_language_and_their_lines() {
    assert_shows(&[
        (
            "Look:\n```rust\nfn f() {\n    g();\n}\n```\nDone.",
            "Look:\n\npre:rust[fn f() {\n    g();\n}]\n\nDone.",
        ),
        ("    indented\n      more", "pre:[indented\n  more]"),
        ("```rust,ignore\n*x*\n```", "pre:rust[*x*]"),
        ("- a\n  ```\n  x\n  ```\n- b", "• a\npre:[x]\n\n• b"),
    ]);
}

#[test]
fn what_is_still_being_written_looks_sensible() {
    assert_shows(&[
        ("```py\nprint(", "pre:py[print(]"),
        ("```", ""),
        ("a **b", "a **b"),
        ("a `b", "a `b"),
        ("a [b](https://e", "a [b](https://e"),
        ("- a\n- ", "• a\n•"),
        ("", ""),
        (" \n ", ""),
    ]);
}

#[test]
fn only_addresses_that_telegram_takes_are_marked() {
    assert_shows(&[
        ("[a](https://e.org/x)", "a:https://e.org/x[a]"),
        ("<https://e.org/>", "a:https://e.org/[https://e.org/]"),
        ("[Ada](tg://user?id=5)", "a:tg://user?id=5[Ada]"),
        ("[**a** b](http://e.org)", "a:http://e.org/[b[a] b]"),
        ("[a](javascript:x)", "a (javascript:x)"),
        ("[a](notes.md)", "a (notes.md)"),
        ("[a](http://localhost:80/)", "a (http://localhost:80/)"),
        ("<a@e.org> [mail](mailto:a@e.org)", "a@e.org mail (a@e.org)"),
        ("![cat](https://e.org/c.png)", "a:https://e.org/c.png[cat]"),
        (
            "![](https://e.org/c.png)",
            "a:https://e.org/c.png[https://e.org/c.png]",
        ),
        (
            "[![cat](https://e.org/c)](https://e.org/)",
            "a:https://e.org/[cat]",
        ),
        ("[x]()", "x"),
    ]);
}

#[test]
fn lists_are_indented_and_keep_their_numbers() {
    assert_shows(&[
        ("- a\n- **b**\n  - c\n- d", "• a\n• b[b]\n   • c\n• d"),
        ("3. a\n4. b\n   1. c", "3. a\n4. b\n   1. c"),
        ("- a\n\n- b\n\n  c\n\ntext", "• a\n\n• b\n\n   c\n\ntext"),
        ("- [ ] a\n- [x] b", "☐ a\n☑ b"),
        ("- a\n  b\n- > c", "• a\n   b\n• q[c]"),
        ("- - a", "• \n   • a"),
    ]);
}

#[test]
fn quotes_in_quotes_are_one_quote() {
    assert_shows(&[
        ("> a\n> > b\n\nc", "q[a\n\nb]\n\nc"),
        ("> - a\n> - b", "q[• a\n• b]"),
        (">\n\nx", "x"),
        ("a\n\n>\n\nx", "a\n\nx"),
    ]);
}

#[test]
fn a_table_is_drawn_with_columns_below_each_other() {
    let table = "| Name | Age |\n|:--|--:|\n| **Ann** | 7 |\n| 安 | `10` |\n| [b](x.md) |";
    let expected =
        "pre:[Name     │ Age\n─────────┼────\nAnn      │   7\n安       │  10\nb (x.md) │]";
    assert_shows(&[(table, expected)]);
}

#[test]
fn what_is_no_markdown_comes_out_as_it_is() {
    for text in [
        "2 * 3 * 4 = 24, a_b_c, 5 < 7 > 2, #1",
        "Wait… what?! (Yes.) [really] ^_^",
        "first line\nsecond line",
        "a <b>c</b> &c.",
        "<div>\nx\n</div>",
        "𝄞 👩‍👩‍👧 é",
    ] {
        assert_eq!(
            render(text),
            Rich {
                text: text.into(),
                entities: vec![]
            }
        );
    }
}

#[test]
fn depth_and_length_break_nothing() {
    let times = |text: &str, count| text.repeat(count);
    for text in [
        times("> ", 10_000) + "x",
        times("[", 10_000) + "x" + &times("](https://e.org)", 10_000),
        times("![", 10_000) + "x" + &times("](y)", 10_000),
        times("- ", 10_000) + "x",
        times("*", 100_000) + "x" + &times("*", 100_000),
        times("**a *b ", 100_000),
        times("**a `b` c** ", 80_000),
        times("`", 1 << 20),
        times("a ", 1 << 19),
        times(" ", 1 << 20) + "x",
        times("<a ", 300_000),
        format!("{}\n{}", times("|a", 1_000), times("|-", 1_000)) + &times("\n|", 100_000),
    ] {
        let rich = render(&text);
        let parts = split(&rich, 4096);
        parts.iter().for_each(|part| {
            assert!(part.entities.len() <= 100 && part.text.len() <= 4 * 4096);
        });
    }
}
