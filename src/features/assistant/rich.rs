//! Stands in for `text` until that is there.

use teloxide::types::MessageEntity;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rich {
    pub(super) text: String,
    pub(super) entities: Vec<MessageEntity>,
}

pub(super) fn render(markdown: &str) -> Rich {
    Rich {
        text: markdown.trim().to_owned(),
        entities: Vec::new(),
    }
}

pub(super) fn split(rich: &Rich, limit: usize) -> Vec<Rich> {
    let chars: Vec<char> = rich.text.chars().collect();
    let part = |part: &[char]| Rich {
        text: part.iter().collect(),
        entities: Vec::new(),
    };
    chars.chunks(limit / 2).map(part).collect()
}
