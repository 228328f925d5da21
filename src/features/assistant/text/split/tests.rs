use fastrand::Rng;
use teloxide::types::{MessageEntity, MessageEntityKind};

use super::super::render;
use super::super::tests::{assert_sound, shown};
use super::*;

fn parts(markdown: &str, limit: usize) -> Vec<String> {
    split(&render(markdown), limit).iter().map(shown).collect()
}

#[test]
fn a_text_is_cut_where_a_reader_would_pause() {
    assert_eq!(parts("aaaaaa\n\nbbbb cc", 11), ["aaaaaa", "bbbb cc"]);
    assert_eq!(parts("aaaaaa\nbbbb cc", 11), ["aaaaaa", "bbbb cc"]);
    assert_eq!(parts("One two. Three four", 15), ["One two.", "Three four"]);
    assert_eq!(parts("これは。それは", 6), ["これは。", "それは"]);
    assert_eq!(parts("aaaa bbbb cccc", 10), ["aaaa bbbb", "cccc"]);
    // A pause right at the limit is one, and one before the middle is not worth it.
    assert_eq!(parts("aaaa bbbb cccc", 9), ["aaaa bbbb", "cccc"]);
    assert_eq!(parts("a bbbbbbbbbbbb", 8), ["a bbbbbb", "bbbbbb"]);
    assert_eq!(parts("a", 4096), ["a"]);
    assert!(parts("", 4096).is_empty());
}

#[test]
fn no_cut_goes_through_what_is_seen_as_one_character() {
    assert_eq!(parts("aa👩‍👩‍👧bb", 8), ["aa", "👩‍👩‍👧", "bb"]);
    assert_eq!(parts("𝄞𝄞𝄞", 3), ["𝄞", "𝄞", "𝄞"]);
    // Where one alone is too long there is no other way.
    assert_eq!(parts("👩‍👩‍👧", 5), ["👩‍👩", "\u{200d}👧"]);
}

#[test]
fn what_is_open_goes_on_in_the_next_part() {
    assert_eq!(
        parts("**aaa *bbb ccc* ddd**", 8),
        ["b[aaa i[bbb]]", "b[i[ccc] ddd]"]
    );
    let code = "```rust\nfn f() {\n    g();\n}\n```";
    assert_eq!(
        parts(code, 12),
        ["pre:rust[fn f() {]", "pre:rust[    g();\n}]"]
    );
    assert_eq!(parts("> aaaa\n> bbbb", 6), ["q[aaaa]", "q[bbbb]"]);
}

#[test]
fn a_part_has_a_hundred_entities_at_most() {
    let bold: Vec<String> = (0..250).map(|number| format!("**{number}**")).collect();
    let rich = render(&bold.join(" "));
    let parts = split(&rich, 4096);
    let counts: Vec<usize> = parts.iter().map(|part| part.entities.len()).collect();
    assert_eq!(counts, [100, 100, 50]);
    parts.iter().for_each(assert_sound);
}

/// Text with everything in it, and in no order.
fn anything(random: &mut Rng) -> String {
    const PIECES: [&str; 34] = [
        "a",
        "word",
        "Sentence. ",
        " ",
        "  ",
        "\n",
        "\n\n",
        "**",
        "*",
        "_",
        "~~",
        "`",
        "```",
        "\n```rust\n",
        "\n```\n",
        "> ",
        "\n> ",
        "\n- ",
        "\n  - ",
        "\n1. ",
        "# ",
        "[x](https://e.org)",
        "[",
        "](",
        "|",
        "\n|a|b|\n|-|-|\n|c|d|\n",
        "𝄞",
        "é",
        "👩‍👩‍👧",
        "漢字。",
        "<b>",
        "\u{a0}",
        "\t",
        "    ",
    ];
    let length = random.usize(0..200);
    (0..length)
        .map(|_| PIECES[random.usize(..PIECES.len())])
        .collect()
}

/// Each character that can be seen, with what marks it.
fn characters(rich: &Rich) -> Vec<(char, Vec<MessageEntityKind>)> {
    let mut at = 0;
    let seen = rich.text.chars().filter_map(|next| {
        let covers =
            |entity: &&MessageEntity| (entity.offset..entity.offset + entity.length).contains(&at);
        let kinds = rich
            .entities
            .iter()
            .filter(covers)
            .map(|entity| entity.kind.clone());
        let seen = (!next.is_whitespace()).then(|| (next, kinds.collect()));
        at += next.len_utf16();
        seen
    });
    seen.collect()
}

#[test]
fn whatever_is_written_no_character_and_no_mark_is_lost() {
    for seed in 0..3_000 {
        let mut random = Rng::with_seed(seed);
        let (markdown, limit) = (anything(&mut random), random.usize(2..60));
        let told = || format!("seed {seed}, limit {limit}: {markdown:?}");
        let whole = render(&markdown);
        assert_sound(&whole);
        let parts = split(&whole, limit);
        for part in &parts {
            assert_sound(part);
            let units = part.text.encode_utf16().count();
            assert!((1..=limit).contains(&units), "{}", told());
        }
        let joined: Vec<_> = parts.iter().flat_map(characters).collect();
        let wanted = characters(&whole);
        assert_eq!(joined, wanted, "{}", told());
    }
}

#[test]
fn what_is_cut_at_pauses_comes_together_again() {
    for seed in 0..300 {
        let mut random = Rng::with_seed(seed);
        let words: Vec<String> = (0..random.usize(1..80))
            .map(|_| {
                (0..random.usize(1..8))
                    .map(|_| random.lowercase())
                    .collect()
            })
            .collect();
        let text = words.join(" ");
        let parts = split(&render(&text), random.usize(20..50));
        let joined: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(joined.join(" "), text, "seed {seed}");
    }
}
