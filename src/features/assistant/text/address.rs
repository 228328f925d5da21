//! Which addresses a link may have.

use reqwest::Url;

/// The address as Telegram takes it in an entity; none for one that it would refuse, together with the message. What it
/// refuses was seen from outside: other schemes than these, hosts without a dot, and `tg:` links with an odd name.
pub(super) fn linkable(address: &str) -> Option<Url> {
    let url = Url::parse(address.trim()).ok()?;
    let host = url.host_str().unwrap_or_default();
    let is_fine = match url.scheme() {
        "http" | "https" => host.trim_matches('.').contains('.') || host.starts_with('['),
        "tg" => {
            let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !host.is_empty() && host.bytes().all(is_of_a_name)
        }
        _ => false,
    };
    is_fine.then_some(url)
}
