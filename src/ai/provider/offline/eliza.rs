//! The method: find the keyword of the highest rank, take the sentence apart, and put a reply together.

use std::collections::{HashMap, VecDeque};

use super::pattern::take_apart;
use super::reflect::reflect;
use super::script::{DEFAULTS, FROM_MEMORY, Pattern, REMEMBERED, SCRIPT, SPELLED};

/// Longer sentences are heard up to here; the patterns' work grows with the length.
const WORDS_HEARD: usize = 40;

/// More sentences than that are not listened to.
const SENTENCES_HEARD: usize = 30;

/// What is remembered at most; the oldest is forgotten.
const REMEMBERED_AT_MOST: usize = 20;

/// Where a conversation stands.
#[derive(Debug, Default)]
pub(super) struct Eliza {
    /// How often each list of replies was used.
    used: HashMap<&'static [&'static str], usize>,
    memory: VecDeque<String>,
}

impl Eliza {
    /// Hears what somebody says, and replies.
    pub(super) fn hear(&mut self, text: &str) -> String {
        let sentences = sentences(text);
        let found = sentences
            .iter()
            .filter_map(|words| Some((words, best(words)?)))
            .reduce(|best, other| if other.1.0 > best.1.0 { other } else { best });
        if let Some((words, (_, pattern, stars))) = found {
            self.remember(words);
            let reply = self.take_turn(pattern.replies);
            return assemble(reply, &stars);
        }
        match self.memory.pop_front() {
            Some(memory) => self.take_turn(FROM_MEMORY).replace("{1}", &memory),
            None => self.take_turn(DEFAULTS).to_owned(),
        }
    }

    /// The next of these replies; after the last the first again.
    fn take_turn(&mut self, replies: &'static [&'static str]) -> &'static str {
        let used = self.used.entry(replies).or_default();
        let reply = replies[*used % replies.len()];
        *used += 1;
        reply
    }

    fn remember(&mut self, words: &[String]) {
        let Some(stars) = take_apart(REMEMBERED, words) else {
            return;
        };
        let Some(said) = stars.last().filter(|said| !said.is_empty()) else {
            return;
        };
        self.memory.push_back(reflect(said));
        if self.memory.len() > REMEMBERED_AT_MOST {
            self.memory.pop_front();
        }
    }
}

type Found<'a> = (u8, &'static Pattern, Vec<&'a [String]>);

/// The pattern of the highest rank that fits; among equals the first in the script.
fn best(words: &[String]) -> Option<Found<'_>> {
    let fitting = SCRIPT.iter().filter_map(|keyword| {
        let pattern = |pattern: &'static Pattern| {
            Some((keyword.rank, pattern, take_apart(pattern.apart, words)?))
        };
        keyword.patterns.iter().find_map(pattern)
    });
    fitting.reduce(|best, other| if other.0 > best.0 { other } else { best })
}

fn assemble(reply: &str, stars: &[&[String]]) -> String {
    let mut text = reply.to_owned();
    for (number, star) in (1..).zip(stars) {
        text = text.replace(&format!("{{{number}}}"), &reflect(star));
    }
    text
}

/// The sentences of a text as words, with contractions written out.
fn sentences(text: &str) -> Vec<Vec<String>> {
    let text = text.replace('’', "'");
    text.split(['.', ',', ';', ':', '!', '?', '\n', '(', ')', '"'])
        .map(words)
        .filter(|words| !words.is_empty())
        .take(SENTENCES_HEARD)
        .collect()
}

fn words(sentence: &str) -> Vec<String> {
    let is_mark = |c: char| !c.is_alphanumeric() && c != '\'';
    let words = sentence
        .split_whitespace()
        .map(|word| word.trim_matches(is_mark));
    let spelled = words.filter(|word| !word.is_empty()).flat_map(|word| {
        let found = SPELLED
            .iter()
            .find(|(from, _)| from.eq_ignore_ascii_case(word));
        found.map_or(word, |(_, to)| to).split(' ')
    });
    spelled.take(WORDS_HEARD).map(ToOwned::to_owned).collect()
}
