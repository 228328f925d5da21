//! Which language somebody writes, as far as it is of use here: the script is English.

/// A language, or what is none that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    English,
    German,
    Chinese,
    Other,
}

/// Words that are German, and not English as well.
const GERMAN: [&str; 30] = [
    "aber", "auch", "bin", "bist", "bitte", "danke", "das", "dich", "dir", "du", "ein", "eine",
    "für", "guten", "hallo", "heute", "ich", "ist", "kannst", "kein", "mein", "meine", "mich",
    "mir", "nicht", "sind", "und", "warum", "wie", "wir",
];

/// Words that are English, and not German as well.
const ENGLISH: [&str; 16] = [
    "a", "and", "are", "do", "how", "i", "is", "it", "my", "not", "of", "the", "to", "what", "why",
    "you",
];

impl Tongue {
    pub(super) fn of(text: &str) -> Self {
        let letters = || text.chars().filter(|c| c.is_alphabetic());
        let latin = letters().filter(|c| is_latin(*c)).count();
        if letters().count() > 2 * latin {
            let is_chinese = letters().any(is_han) && !letters().any(is_kana);
            return if is_chinese {
                Self::Chinese
            } else {
                Self::Other
            };
        }
        let text = text.to_lowercase();
        let words = || text.split(|c: char| !c.is_alphabetic() && c != '\'');
        let german = words().filter(|word| GERMAN.contains(word)).count();
        let english = words().filter(|word| ENGLISH.contains(word)).count();
        if german > english {
            Self::German
        } else {
            Self::English
        }
    }

    /// What is said in it, after so many replies in it. Never asked of English, which has a script.
    pub(super) fn reply(self, text: &str, turn: usize) -> &'static str {
        let text = text.to_lowercase();
        let greeting = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let replies: &[&'static str] = match self {
            Self::German if greeting(&["danke"]) => &["Gern geschehen."],
            Self::German if greeting(&["hallo", "guten"]) => &["Guten Tag. Was beschäftigt Sie?"],
            Self::German => &[
                "Erzählen Sie bitte weiter.",
                "Was fällt Ihnen dazu noch ein?",
                "Seit wann beschäftigt Sie das?",
            ],
            Self::Chinese if greeting(&["谢", "謝"]) => &["不客气。"],
            Self::Chinese if greeting(&["你好", "您好"]) => &["你好。你在想什么？"],
            Self::Chinese => &["请继续说。", "你为什么这样想？", "这件事让你想到了什么？"],
            Self::English | Self::Other => &[
                "I follow best in English, but I am listening. Please go on.",
                "I am not sure I understand. Could you say it in English?",
            ],
        };
        replies[turn % replies.len()]
    }

    /// What is said to somebody who wants the time where no clock can be asked.
    pub(super) fn without_clock(self) -> &'static str {
        match self {
            Self::German => "Ich habe hier keine Uhr. Haben Sie es eilig?",
            Self::Chinese => "我这里没有钟。你赶时间吗？",
            Self::English | Self::Other => "I have no clock here. Are you in a hurry?",
        }
    }
}

fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | 'À'..='ɏ' | 'Ḁ'..='ỿ')
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// Japanese is written with Chinese characters too, but never without these for long.
fn is_kana(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}')
}
