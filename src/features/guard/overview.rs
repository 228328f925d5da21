//! What an operator sees of the guard from outside of any chat.

use std::fmt::Write as _;

use super::desk::{case_name, group_name};
use super::group::Group;
use crate::store::{BotId, Document, Key, Store, StoreError};

/// Documents that are read at a time.
const PAGE: usize = 500;

/// A line for each group that a bot's guard knows: its number, whether the guard is on there, how many have still to verify,
/// and its title, which strangers choose.
///
/// # Errors
/// [`StoreError`] where the store cannot be read.
pub(crate) async fn overview(store: &Store, bot: BotId) -> Result<String, StoreError> {
    let mut text = String::new();
    let prefix = format!("{}/{}", bot.0, group_name(""));
    for document in all(store, &prefix).await? {
        let Some(chat) = document.key.as_str().strip_prefix(&prefix) else {
            continue;
        };
        // One that cannot be read is told all the same.
        let group: Group = serde_json::from_str(&document.body).unwrap_or_default();
        let cases = format!("{}/{}", bot.0, case_name(chat, ""));
        let pending = all(store, &cases).await?.len();
        let state = if group.settings.is_on { "on" } else { "off" };
        let title = &group.title;
        let _ = writeln!(text, "{chat:<16} {state:<3}  {pending} to verify  {title}");
    }
    Ok(text)
}

async fn all(store: &Store, prefix: &str) -> Result<Vec<Document>, StoreError> {
    let (mut found, mut after) = (Vec::new(), None::<Key>);
    loop {
        let page = store.scan(prefix, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = Some(last.key.clone());
        found.extend(page);
    }
}
