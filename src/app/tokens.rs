//! Where the program's bot tokens come from.

use std::env;
use std::path::PathBuf;

use super::program::Refused;
use super::secrets::{credentials, read};
use crate::lifecycle::ExitKind;
use crate::telegram::Token;

/// Files in the service manager's credentials directory whose names begin like this hold a token each.
const CREDENTIALS: &str = "bot-token";

/// The tokens, each of another bot: from the files that were named, else from the service manager's credentials, else from
/// the environment.
pub(super) fn find_tokens(files: &[PathBuf]) -> Result<Vec<Token>, Refused> {
    let credentials = credentials(CREDENTIALS)?;
    let files = if files.is_empty() {
        &credentials
    } else {
        files
    };
    let mut found: Vec<(String, Token)> = Vec::new();
    for path in files {
        let (source, text) = (path.display().to_string(), read("the token file", path)?);
        add(&mut found, source, &text)?;
    }
    if files.is_empty() {
        let text = env::var("TELOXIDE_TOKEN").map_err(|_| no_token())?;
        add(&mut found, "$TELOXIDE_TOKEN".to_owned(), &text)?;
    }
    Ok(found.into_iter().map(|(_, token)| token).collect())
}

fn add(found: &mut Vec<(String, Token)>, source: String, text: &str) -> Result<(), Refused> {
    let token = Token::parse(text).map_err(|error| refused(format!("{source}: {error}")))?;
    let same = |(_, other): &&(String, Token)| other.bot() == token.bot();
    if let Some((other, _)) = found.iter().find(same) {
        return Err(refused(format!(
            "{other} and {source} hold tokens of the same bot, {}; a bot is polled once: leave one of them away",
            token.bot().0
        )));
    }
    found.push((source, token));
    Ok(())
}

fn no_token() -> Refused {
    refused("no bot token: put it into a file and name that with --token-file, or into $CREDENTIALS_DIRECTORY/bot-token, or into $TELOXIDE_TOKEN; or try --sandbox, which needs none".to_owned())
}

fn refused(text: String) -> Refused {
    let kind = ExitKind::Config;
    Refused { kind, text }
}
