//! `/approve`, `/reject`, `/pending`, `/trust`, `/untrust`, `/stats`: what administrators decide and ask about people.

use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup, MessageEntityKind, UserId};

use super::answer;
use super::show::View;
use crate::features::guard::case::Case;
use crate::features::guard::clock::Clock;
use crate::features::guard::desk::{Desk, Mark, pending_of, trust_name};
use crate::features::guard::group::Group;
use crate::features::guard::machine::{Event, Reply};
use crate::features::guard::moment::Moment;
use crate::features::guard::texts::{Label, Person, Stats, Text};
use crate::features::guard::updates::{answer as answer_press, person};
use crate::features::guard::{Failed, Tools, administrators};

/// What the buttons of the list carry, before the person's number.
const APPROVE: &str = "guard:approve:";
const REJECT: &str = "guard:reject:";
/// So many of the list have buttons.
const BUTTONS: usize = 8;
/// So many are asked about to find somebody by a username, which cases do not hold.
const LOOKED_FOR: usize = 30;

pub(super) async fn approve(
    desk: &mut Desk<'_>,
    message: &Message,
    rest: &str,
    by: &Person,
) -> Result<(), Failed> {
    let by = by.clone();
    decide(desk, message, rest, &Event::Approved { by }).await
}

pub(super) async fn reject(
    desk: &mut Desk<'_>,
    message: &Message,
    rest: &str,
) -> Result<(), Failed> {
    decide(desk, message, rest, &Event::Rejected).await
}

/// What comes of it is said when it has been done.
async fn decide(
    desk: &mut Desk<'_>,
    message: &Message,
    rest: &str,
    event: &Event,
) -> Result<(), Failed> {
    let mut is_anybody = false;
    for person in people(desk, message, rest).await? {
        is_anybody |= desk.event(person.id, event).await? == Reply::Ok;
    }
    if is_anybody { Ok(()) } else { nobody(desk) }
}

fn nobody(desk: &Desk<'_>) -> Result<(), Failed> {
    answer(desk, desk.group.settings.language.say(&Text::NoSuchPerson))
}

pub(super) async fn trust(
    desk: &mut Desk<'_>,
    message: &Message,
    rest: &str,
    by: &Person,
) -> Result<(), Failed> {
    let people = people(desk, message, rest).await?;
    for person in &people {
        let name = trust_name(desk.chat, person.id);
        desk.tools.state.put(&name, &Mark {})?;
        let by = by.clone();
        desk.event(person.id, &Event::Approved { by }).await?;
    }
    say_each(desk, &people, |person| Text::Trusted { person })
}

pub(super) async fn untrust(
    desk: &mut Desk<'_>,
    message: &Message,
    rest: &str,
) -> Result<(), Failed> {
    let people = people(desk, message, rest).await?;
    for person in &people {
        desk.tools.state.delete(&trust_name(desk.chat, person.id))?;
    }
    say_each(desk, &people, |person| Text::Untrusted { person })
}

fn say_each(
    desk: &Desk<'_>,
    people: &[Person],
    text: impl for<'a> Fn(&'a Person) -> Text<'a>,
) -> Result<(), Failed> {
    if people.is_empty() {
        return nobody(desk);
    }
    // A message has room for about so many.
    let named = people.iter().take(BUTTONS);
    let lines = named.map(|person| desk.group.settings.language.say(&text(person)));
    answer(desk, lines.collect::<Vec<_>>().join("\n"))
}

/// Whom a command means: who is named behind it, or who wrote what it replies to.
async fn people(desk: &Desk<'_>, message: &Message, rest: &str) -> Result<Vec<Person>, Failed> {
    if rest == "all" {
        let cases = pending_of(desk.tools, desk.chat).await?;
        return Ok(cases.iter().map(Case::person).collect());
    }
    let mut people = mentioned(message);
    for word in rest.split_whitespace() {
        if let Ok(id) = word.parse() {
            people.push(by_number(desk, id).await?);
        } else if let Some(name) = word.strip_prefix('@') {
            people.extend(by_username(desk, name).await?);
        }
    }
    if rest.is_empty()
        && let Some(replied) = message.reply_to_message()
    {
        let joined = replied.new_chat_members();
        let wrote = replied.from.as_ref();
        let meant = match joined {
            Some(joined) => joined.iter().collect(),
            None => Vec::from_iter(wrote),
        };
        people.extend(meant.into_iter().filter(|user| !user.is_bot).map(person));
    }
    Ok(people)
}

/// Who is named without a username is named by a link.
fn mentioned(message: &Message) -> Vec<Person> {
    let entities = message.entities().into_iter().flatten();
    let users = entities.filter_map(|entity| match &entity.kind {
        MessageEntityKind::TextMention { user } => Some(person(user)),
        _ => None,
    });
    users.collect()
}

async fn by_number(desk: &Desk<'_>, id: i64) -> Result<Person, Failed> {
    let case = desk.case(id).await?;
    Ok(case.map_or_else(
        || Person {
            id,
            name: id.to_string(),
        },
        |case| case.person(),
    ))
}

async fn by_username(desk: &Desk<'_>, name: &str) -> Result<Option<Person>, Failed> {
    let (tools, chat) = (desk.tools, ChatId(desk.chat));
    for case in pending_of(tools, desk.chat).await?.iter().take(LOOKED_FOR) {
        let Ok(user) = u64::try_from(case.user).map(UserId) else {
            continue;
        };
        let ask = tools.bot.get_chat_member(chat, user);
        let Ok(member) = tools.outgoing.call(chat, ask).await else {
            continue;
        };
        let username = member.user.username.as_deref();
        if username.is_some_and(|username| username.eq_ignore_ascii_case(name)) {
            return Ok(Some(case.person()));
        }
    }
    Ok(None)
}

/// Those who wait, with the time that they have left.
pub(super) async fn list(
    tools: &Tools,
    chat: i64,
    group: &Group,
) -> Result<(String, InlineKeyboardMarkup), Failed> {
    let (clock, now) = (Clock::read(tools).await?, Moment::now());
    let mut cases = pending_of(tools, chat).await?;
    cases.retain(Case::is_waiting);
    cases.sort_by_key(|case| case.opened);
    let left = |case: &Case| {
        let credit = clock.downtime(case.opened, now);
        let until = case.opened + case.allowance + credit;
        (case.person(), until.since(now))
    };
    let people: Vec<_> = cases.iter().map(left).collect();
    let language = group.settings.language;
    let (people, more) = (people.as_slice(), 0);
    let text = language.say(&Text::Pending { people, more });
    let button = |label, data: &str, user: i64| {
        // By number, as in the list: a name on a button would be one more place to advertise.
        let text = format!("{} {user}", language.label(&label));
        InlineKeyboardButton::callback(text, format!("{data}{user}"))
    };
    let rows = cases.iter().take(BUTTONS).map(|case| {
        vec![
            button(Label::Approve, APPROVE, case.user),
            button(Label::Reject, REJECT, case.user),
        ]
    });
    Ok((text, InlineKeyboardMarkup::new(rows)))
}

/// A button of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Press {
    user: i64,
    approves: bool,
}

pub(super) fn press_of(query: CallbackQuery) -> Option<Press> {
    let data = query.data.as_deref()?;
    let (user, approves) = match data.strip_prefix(APPROVE) {
        Some(user) => (user, true),
        None => (data.strip_prefix(REJECT)?, false),
    };
    let user = user.parse().ok()?;
    Some(Press { user, approves })
}

pub(super) async fn pressed(
    tools: Tools,
    query: CallbackQuery,
    press: Press,
) -> Result<(), Failed> {
    let Some(list) = query.message.clone() else {
        answer_press(&tools, query, None).await;
        return Ok(());
    };
    let chat = list.chat().id;
    let mut desk = Desk::open(&tools, chat.0).await?;
    let language = desk.group.settings.language;
    if !administrators::may_decide(&tools, chat.0, query.from.id).await {
        let text = language.label(&Label::AdministratorsOnly);
        answer_press(&tools, query, Some(text)).await;
        return Ok(());
    }
    let event = if press.approves {
        let by = person(&query.from);
        Event::Approved { by }
    } else {
        Event::Rejected
    };
    let reply = desk.event(press.user, &event).await?;
    View::Pending.now(&desk, Some(list.id().0))?;
    desk.close()?;
    let text = (reply != Reply::Ok).then(|| language.label(&Label::TooLate));
    answer_press(&tools, query, text).await;
    Ok(())
}

pub(super) async fn stats(desk: &Desk<'_>) -> Result<(), Failed> {
    let pending = pending_of(desk.tools, desk.chat).await?.len() as u64;
    let so_far = desk.group.stats;
    let stats = Stats {
        pending,
        passed: so_far.passed,
        rejected: so_far.rejected,
        left: so_far.left,
        kicked: so_far.kicked,
        expired: so_far.expired,
    };
    answer(
        desk,
        desk.group.settings.language.say(&Text::Stats { stats }),
    )
}
