//! What the operator sees in private: every group the guard knows.

use teloxide::prelude::*;

use crate::features::guard::desk::pending_of;
use crate::features::guard::group::Group;
use crate::features::guard::texts::{KnownGroup, Language, Text};
use crate::features::guard::work::Work;
use crate::features::guard::{Failed, Tools};

/// More groups than this are not looked for.
const GROUPS: usize = 1_000;
/// More than this do not fit into a message anyway.
const LINES: usize = 50;

pub(super) async fn list(tools: Tools, message: Message) -> Result<(), Failed> {
    const PREFIX: &str = "guard/group/";
    let groups: Vec<(String, Group)> = tools.state.scan(PREFIX, None, GROUPS).await?;
    let mut lines = Vec::new();
    for (name, group) in groups.iter().take(LINES) {
        let chat = name.strip_prefix(PREFIX).and_then(|chat| chat.parse().ok());
        let pending = match chat {
            Some(chat) => pending_of(&tools, chat).await?.len(),
            None => 0,
        };
        lines.push(KnownGroup {
            title: &group.title,
            is_on: group.settings.is_on,
            pending,
        });
    }
    let from = message.from.as_ref();
    let language = Language::of_code(from.and_then(|from| from.language_code.as_deref()));
    let more = groups.len() - lines.len();
    let to = message.chat.id.0;
    let groups = &lines;
    let text = language.say(&Text::Groups { groups, more });
    Ok(Work::write(to, text).now(&tools.state)?)
}
