//! `/guard`: the settings, by buttons and by text.

use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};
use teloxide::utils::html::escape;

use super::settings::Setting;
use super::show::View;
use super::{answer, meet};
use crate::features::guard::case::Route;
use crate::features::guard::desk::{Desk, past_of, pending_of};
use crate::features::guard::group::Settings;
use crate::features::guard::machine::Event;
use crate::features::guard::scan::schedule;
use crate::features::guard::texts::{Label, Text};
use crate::features::guard::updates::answer as answer_press;
use crate::features::guard::work::Work;
use crate::features::guard::{Failed, Tools, administrators};

/// What the menu's buttons carry, before the setting's word.
const DATA: &str = "guard:menu:";
const CLOSE: &str = "close";

/// The menu's buttons: the switch alone, the others in pairs.
pub(super) fn keyboard(settings: &Settings) -> InlineKeyboardMarkup {
    let button =
        |text: String, word: &str| InlineKeyboardButton::callback(text, format!("{DATA}{word}"));
    let of = |setting: &Setting| button(setting.label(settings), setting.word());
    let (switch, others) = Setting::ALL.split_at(1);
    let mut rows: Vec<Vec<_>> = vec![switch.iter().map(of).collect()];
    rows.extend(others.chunks(2).map(|pair| pair.iter().map(of).collect()));
    let close = settings.language.label(&Label::Close);
    rows.push(vec![button(close, CLOSE)]);
    InlineKeyboardMarkup::new(rows)
}

/// `/guard`, and what stands behind it.
pub(super) async fn told(desk: &mut Desk<'_>, message: &Message, rest: &str) -> Result<(), Failed> {
    let language = desk.group.settings.language;
    let (word, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (word, value) = match word {
        "on" | "off" => ("switch", word),
        _ => (word, value.trim()),
    };
    let setting = match word {
        "help" => return answer(desk, language.say(&Text::Help)),
        "" => None,
        _ => match Setting::of_word(word) {
            Some(setting) => Some(setting),
            None => return answer(desk, no_such_setting(desk, word)),
        },
    };
    let is_of_use = setting.is_some_and(|setting| setting != Setting::Switch || value == "off");
    if message.chat.is_group() && !is_of_use {
        return answer(desk, language.say(&Text::BasicGroup));
    }
    match setting {
        None => View::Menu.now(desk, None),
        Some(setting) if value.is_empty() => {
            answer(desk, escape(&setting.label(&desk.group.settings)))
        }
        Some(setting) => set(desk, setting, value).await,
    }
}

async fn set(desk: &mut Desk<'_>, setting: Setting, value: &str) -> Result<(), Failed> {
    let mut settings = desk.group.settings.clone();
    if setting.set(&mut settings, value).is_none() {
        let language = settings.language;
        return answer(
            desk,
            language.say(&Text::BadValue {
                setting: setting.word(),
                said: value,
                takes: setting.takes(),
                example: &setting.example(),
            }),
        );
    }
    change(desk, settings).await?;
    match (setting, desk.group.settings.is_on) {
        // It says which rights are missing, too.
        (Setting::Switch, true) => View::Menu.now(desk, None),
        (Setting::Switch, false) => Ok(()),
        _ => answer(desk, escape(&setting.label(&desk.group.settings))),
    }
}

fn no_such_setting(desk: &Desk<'_>, said: &str) -> String {
    let words = Setting::ALL.iter().map(|setting| match setting {
        Setting::Switch => "on, off",
        _ => setting.word(),
    });
    let known: Vec<_> = words.chain(["help"]).collect();
    let known = known.join(", ");
    let language = desk.group.settings.language;
    language.say(&Text::NoSuchSetting {
        said,
        known: &known,
    })
}

/// Has other settings hold from now on. Where that switches the guard off, nobody stays muted, and that is said.
async fn change(desk: &mut Desk<'_>, settings: Settings) -> Result<(), Failed> {
    let before = std::mem::replace(&mut desk.group.settings, settings);
    let now = &desk.group.settings;
    let goes_off = before.is_on && !now.is_on;
    let goes_on = !before.is_on && now.is_on;
    if before.dry_run != now.dry_run {
        // What is real and what only would be is not to be mixed.
        release(desk).await?;
        desk.prompt_soon()?;
    }
    if goes_on {
        lift_what_is_left(desk).await?;
    }
    schedule::begin(desk)?;
    schedule::changed(desk.tools)?;
    if goes_off {
        let let_go = release(desk).await?;
        let language = desk.group.settings.language;
        answer(desk, language.say(&Text::SwitchedOff { let_go }))?;
    }
    Ok(())
}

/// Whoever should have been lifted and could not be is looked at again.
async fn lift_what_is_left(desk: &Desk<'_>) -> Result<(), Failed> {
    let (chat, state) = (desk.chat, &desk.tools.state);
    for case in past_of(desk.tools, chat).await? {
        if case.is_left_muted(desk.now) {
            let user = case.user;
            Work::Due { chat, user }.now(state)?;
        }
    }
    Ok(())
}

/// Those who are in the group may write; requests to join are left to the administrators.
pub(super) async fn release(desk: &mut Desk<'_>) -> Result<usize, Failed> {
    let cases = pending_of(desk.tools, desk.chat).await?;
    for case in &cases {
        desk.event(case.user, &Event::Released).await?;
    }
    let muted = cases.iter().filter(|case| case.route == Route::Joined);
    Ok(muted.count())
}

/// A button of the menu: a setting, or none to close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Press(Option<Setting>);

pub(super) fn press_of(query: CallbackQuery) -> Option<Press> {
    match query.data.as_deref()?.strip_prefix(DATA)? {
        CLOSE => Some(Press(None)),
        word => Setting::of_word(word).map(Some).map(Press),
    }
}

pub(super) async fn pressed(
    tools: Tools,
    query: CallbackQuery,
    Press(setting): Press,
) -> Result<(), Failed> {
    let Some(menu) = query.message.clone() else {
        answer_press(&tools, query, None).await;
        return Ok(());
    };
    let (chat, message) = (menu.chat().id.0, menu.id().0);
    let mut desk = Desk::open(&tools, chat).await?;
    if !administrators::may_decide(&tools, chat, query.from.id).await {
        let label = Label::AdministratorsOnly;
        let text = desk.group.settings.language.label(&label);
        answer_press(&tools, query, Some(text)).await;
        return Ok(());
    }
    meet(&mut desk, menu.chat().title(), Some(&query.from));
    let mut said = None;
    if let Some(setting) = setting {
        let mut settings = desk.group.settings.clone();
        setting.go_on(&mut settings);
        change(&mut desk, settings).await?;
        said = Some(setting.label(&desk.group.settings));
        View::Menu.now(&desk, Some(message))?;
    } else {
        Work::delete(chat, message).now(&tools.state)?;
    }
    desk.close()?;
    answer_press(&tools, query, said).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use teloxide::types::InlineKeyboardButtonKind;

    use super::*;

    #[test]
    fn every_button_carries_little_enough_and_is_known_again() {
        let keyboard = keyboard(&Settings::default());
        let buttons: Vec<_> = keyboard.inline_keyboard.concat();
        assert_eq!(buttons.len(), Setting::ALL.len() + 1);
        for button in buttons {
            let InlineKeyboardButtonKind::CallbackData(data) = button.kind else {
                panic!("{button:?}");
            };
            assert!(data.len() <= 64, "{data}");
            let word = data.strip_prefix(DATA).unwrap();
            assert!(word == CLOSE || Setting::of_word(word).is_some(), "{data}");
        }
    }
}
