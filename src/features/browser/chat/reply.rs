//! What is sent into a chat, and in which form Telegram takes it.

use std::time::Duration;

use teloxide::payloads::{SendDocumentSetters, SendMessageSetters, SendPhotoSetters};
use teloxide::prelude::*;
use teloxide::types::{InputFile, LinkPreviewOptions, MessageEntity, MessageEntityKind};
use teloxide::{ApiError, RequestError};

use crate::features::Origin;
use crate::features::browser::chromium::{Outline, Shot};
use crate::features::browser::page::Page;
use crate::features::browser::problem::Problem;
use crate::features::browser::search::Hit;
use crate::features::errors::is_about_the_server;
use crate::features::moment::Moment;

/// A message's text, and a file's caption, in UTF-16 units.
const LONGEST_TEXT: usize = 4_096;
const LONGEST_CAPTION: usize = 1_024;
/// A photo's sides together, in pixels; the longer by the shorter one; and its bytes.
const PHOTO_SIDES: u32 = 10_000;
const PHOTO_RATIO: u32 = 20;
const PHOTO_BYTES: usize = 10 << 20;
/// No bot can upload more.
const FILE_BYTES: usize = 50 << 20;
/// What could not be sent for so long is given up.
const GIVE_UP: Duration = Duration::from_secs(24 * 3_600);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// A file that could not be sent so often, and then once more, is given up.
const FILE_TRIES: u32 = 2;
/// A message waits no longer for the chat's turn; it comes back later.
const TURN: Duration = Duration::from_secs(20);
/// An address has no more UTF-16 units where it is told.
const LONGEST_URL: usize = 300;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::features::browser) struct Reply {
    /// The first so many UTF-16 units of it are bold.
    bold: usize,
    text: String,
    file: Option<File>,
}

#[derive(Clone, PartialEq, Eq)]
struct File {
    name: String,
    bytes: Vec<u8>,
    is_photo: bool,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({} bytes)", self.bytes.len())
    }
}

impl Reply {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self {
            bold: 0,
            text: text.into(),
            file: None,
        }
    }

    fn titled(title: &str, rest: &str) -> Self {
        Self {
            bold: units(title),
            text: format!("{title}\n{rest}"),
            file: None,
        }
    }

    /// A page as a message, or as a file where it is too long for one.
    pub(super) fn page(page: &Page) -> Self {
        let title = one_line(page.name());
        let about = format!("{}\n{}", short(&page.url), page.about());
        let whole = format!("{about}\n\n{}", page.markdown.trim());
        let message = Self::titled(&title, whole.trim_end());
        if units(&message.text) <= LONGEST_TEXT {
            return message;
        }
        let file = File {
            name: file_name(&title, "md"),
            bytes: page.as_markdown().into_bytes(),
            is_photo: false,
        };
        Self::titled(&title, &about).with(file)
    }

    /// A picture of a page: as a photo where it can be one.
    ///
    /// # Errors
    /// Where it is too large to be sent.
    pub(in crate::features::browser) fn shot(shot: Shot) -> Result<Self, Problem> {
        if shot.png.len() > FILE_BYTES {
            let text = "the picture of that page is too large to be sent";
            return Err(Problem::Said(text.to_owned()));
        }
        let title = match shot.title.trim() {
            "" => one_line(&shot.url),
            title => one_line(title),
        };
        let mut about = format!("{}\ndrawn by Chromium", short(&shot.url));
        if let Some(status) = shot.status.filter(|status| *status != 200) {
            about += &format!(" · status {status}");
        }
        if shot.is_cut {
            about += " · it goes on below";
        }
        if !shot.is_settled {
            about += " · it never came to rest";
        }
        if shot.is_starved {
            about += " · it loads more than I fetch";
        }
        let file = File {
            name: file_name(&title, "png"),
            is_photo: is_photo(shot.width, shot.height, shot.png.len()),
            bytes: shot.png,
        };
        Ok(Self::titled(&title, &about).with(file))
    }

    /// An open page, as much of it as fits into a message.
    pub(super) fn outline(outline: &Outline) -> Self {
        let title = match outline.title.trim() {
            "" => one_line(&outline.url),
            title => one_line(title),
        };
        let mut about = short(&outline.url);
        if let Some(status) = outline.status.filter(|status| *status >= 400) {
            about += &format!(" · status {status}");
        }
        if outline.is_starved {
            about += " · it loads more than I fetch";
        }
        let mut rest = format!("{about}\n\n{}", outline.text.trim());
        let most = LONGEST_TEXT - units(&title) - 1;
        if outline.is_cut || units(&rest) > most {
            const MORE: &str = "\n… (cut off)";
            rest = cut(rest, most - units(MORE)) + MORE;
        }
        Self::titled(&title, &rest)
    }

    pub(super) fn hits(terms: &str, hits: &[Hit]) -> Self {
        if hits.is_empty() {
            return Self::plain("Nothing was found.");
        }
        let mut reply = Self::titled(&one_line(terms), "");
        for hit in hits {
            let more = format!("\n{}\n{}\n{}\n", hit.title, hit.url, hit.excerpt);
            if units(&reply.text) + units(&more) > LONGEST_TEXT {
                break;
            }
            reply.text += &more;
        }
        reply
    }

    fn with(mut self, file: File) -> Self {
        self.text = cut(self.text, LONGEST_CAPTION);
        self.file = Some(file);
        self
    }

    /// The same with a picture as a file, where the server does not take it for a photo. None where there is no other way.
    fn into_file_after(mut self, refused: &ApiError) -> Option<Self> {
        let says = refused.to_string();
        let is_about_it = says.contains("PHOTO_") || says.contains("IMAGE_");
        let file = self.file.as_mut()?;
        let was_photo = std::mem::replace(&mut file.is_photo, false);
        (was_photo && is_about_it).then_some(self)
    }

    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Sends it in the chat's turn, as an answer; a picture that is refused as a photo as a file.
    pub(in crate::features::browser) async fn deliver(
        self,
        origin: &Origin,
    ) -> Result<(), RequestError> {
        let refused = match self.send(origin).await {
            Err(RequestError::Api(error)) => error,
            sent => return sent,
        };
        match self.into_file_after(&refused) {
            Some(file) => file.send(origin).await,
            None => Err(RequestError::Api(refused)),
        }
    }

    async fn send(&self, origin: &Origin) -> Result<(), RequestError> {
        let (bot, outgoing, chat) = (&origin.bot, &origin.outgoing, origin.chat_id());
        let (to, thread) = (origin.reply(), origin.thread_id());
        let Some(file) = &self.file else {
            let text = cut(self.text.clone(), LONGEST_TEXT);
            let mut request = bot.send_message(chat, text);
            request = request.entities(self.entities()).reply_parameters(to);
            request.message_thread_id = thread;
            request.link_preview_options = Some(no_preview());
            return outgoing.send_within(TURN, request).await.map(drop);
        };
        let input = InputFile::memory(file.bytes.clone()).file_name(file.name.clone());
        if file.is_photo {
            let mut request = bot.send_photo(chat, input).caption(&self.text);
            request = request
                .caption_entities(self.entities())
                .reply_parameters(to);
            request.message_thread_id = thread;
            return outgoing.send_within(TURN, request).await.map(drop);
        }
        let mut request = bot.send_document(chat, input).caption(&self.text);
        request = request
            .caption_entities(self.entities())
            .reply_parameters(to);
        request.message_thread_id = thread;
        outgoing.send_within(TURN, request).await.map(drop)
    }

    fn entities(&self) -> Vec<MessageEntity> {
        let bold = MessageEntity {
            kind: MessageEntityKind::Bold,
            offset: 0,
            length: self.bold,
        };
        (self.bold > 0).then_some(bold).into_iter().collect()
    }
}

/// What a failure means for what was to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// To be tried again after this time.
    Passing(Duration),
    /// The group has another number now.
    Moved(i64),
    /// It is refused, and will be.
    Refused,
}

/// What this error is for what was asked for at this time, and has failed so often.
pub(super) fn weigh(
    error: &RequestError,
    since: Moment,
    tries: u32,
    has_file: bool,
    now: Moment,
) -> Trouble {
    match error {
        RequestError::RetryAfter(wait) => Trouble::Passing(wait.duration()),
        RequestError::MigrateToChatId(to) => Trouble::Moved(to.0),
        RequestError::Api(error) if !is_about_the_server(error) => Trouble::Refused,
        _ if now.since(since) >= GIVE_UP => Trouble::Refused,
        // It may be larger than what can be sent in a request's time, and is made anew for each try.
        _ if has_file && tries >= FILE_TRIES => Trouble::Refused,
        _ => Trouble::Passing(Duration::from_secs(1 << tries.min(9)).min(LONGEST_WAIT)),
    }
}

/// Why something could not be sent, for people: without the address of the server, which has the token in it.
pub(in crate::features::browser) fn why(error: &RequestError) -> String {
    match error {
        RequestError::Api(ApiError::Unknown(said)) => said.clone(),
        RequestError::Api(error) => error.to_string(),
        RequestError::RetryAfter(_) => "Telegram asks for a pause".to_owned(),
        _ => "Telegram could not be reached in time".to_owned(),
    }
}

/// Whether somebody who is gone, or a group that is, is why.
pub(super) fn is_nobody_there(error: &RequestError) -> bool {
    let RequestError::Api(error) = error else {
        return false;
    };
    matches!(
        error,
        ApiError::BotBlocked
            | ApiError::BotKicked
            | ApiError::ChatNotFound
            | ApiError::UserDeactivated
    )
}

fn is_photo(width: u32, height: u32, bytes: usize) -> bool {
    width.saturating_add(height) <= PHOTO_SIDES
        && width.max(height) <= width.min(height).saturating_mul(PHOTO_RATIO)
        && bytes <= PHOTO_BYTES
}

/// Somebody's text is answered with it, and its address is in it already.
fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Its first so many UTF-16 units.
fn cut(mut text: String, most: usize) -> String {
    let mut room = most;
    let end = text.char_indices().find_map(|(at, c)| {
        room = match room.checked_sub(c.len_utf16()) {
            Some(room) => room,
            None => return Some(at),
        };
        None
    });
    if let Some(end) = end {
        text.truncate(end);
    }
    text
}

/// An address, so that there is room for what else is told.
fn short(url: &str) -> String {
    if units(url) <= LONGEST_URL {
        return url.to_owned();
    }
    cut(url.to_owned(), LONGEST_URL) + "…"
}

/// A title is a line, and not a long one.
fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    cut(words.join(" "), 200)
}

/// What a file is called: the title's letters and digits.
fn file_name(title: &str, ending: &str) -> String {
    let title = title
        .trim_start_matches("https://")
        .trim_start_matches("http://");
    let words = title.split(|c: char| !c.is_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").to_lowercase().chars().take(60).collect();
    let name = match name.trim_matches('-') {
        "" => "page",
        name => name,
    };
    format!("{name}.{ending}")
}

#[cfg(test)]
mod tests;
