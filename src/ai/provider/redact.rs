//! What a provider says, made fit to be handed on: it may quote our key, or an address with one in it.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use reqwest::Url;

use crate::ai::Secret;

/// How much of a message is handed on, in characters.
const LONGEST: usize = 500;

/// One line without the key and without what addresses may hide, cut to 500 characters.
pub(super) fn redact(text: &str, key: Option<&Secret>) -> String {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"[A-Za-z][A-Za-z0-9+.\-]*://[^ "'<>]+"#).expect("the pattern is fixed")
    });
    let mut text = text.replace(|character: char| character.is_control(), " ");
    if let Some(key) = key.map(Secret::expose).filter(|key| !key.is_empty()) {
        text = text.replace(key, "[key]");
    }
    let text = ADDRESS.replace_all(&text, |found: &Captures<'_>| bare(&found[0]));
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// An address without user, password, query and fragment.
fn bare(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else {
        return "[address]".to_owned();
    };
    let has_user = !url.username().is_empty() || url.password().is_some();
    if !has_user && url.query().is_none() && url.fragment().is_none() {
        return address.to_owned();
    }
    let is_bare = !has_user || (url.set_username("").is_ok() && url.set_password(None).is_ok());
    if !is_bare {
        return "[address]".to_owned();
    }
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_what_addresses_hide_are_struck() {
        let key = Secret::new("sk-123456");
        let said = "key sk-123456 at https://me:pass@host/v1?key=abc#x, see https://host/docs\nor http://[bad?key=abc";
        assert_eq!(
            redact(said, Some(&key)),
            "key [key] at https://host/v1 see https://host/docs or [address]"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let cut = redact(&"é".repeat(501), None);
        assert_eq!(cut, format!("{}…", "é".repeat(500)));
        assert_eq!(redact(&"é".repeat(500), None), "é".repeat(500));
    }
}
