//! Links that still lead somewhere when they are read outside of their page.

use dom_query::{Document, NodeRef};
use reqwest::Url;

/// A longer address is no address: a picture within the page, mostly.
const MAX_ADDRESS_CHARS: usize = 2048;

/// Makes addresses absolute, by the page's own `<base>` or by where it came from. Links that lead nowhere outside of the page,
/// such as scripts, become their text; pictures that do are removed.
pub(super) fn make_absolute(document: &Document, came_from: Option<&Url>) {
    let own = document.base_uri();
    let base = match (own, came_from) {
        (Some(own), Some(from)) => from.join(&own).ok(),
        (Some(own), None) => Url::parse(&own).ok(),
        (None, _) => None,
    };
    let base = base.as_ref().or(came_from);
    for link in document.select("a[href]").nodes() {
        match absolute(link, "href", base) {
            Some(address) => link.set_attr("href", &address),
            None => link.remove_attr("href"),
        }
    }
    for picture in document.select("img").nodes() {
        // Where pictures are loaded late, the real address is in an attribute of the scripts'.
        let address = ["data-src", "src"]
            .into_iter()
            .find_map(|name| absolute(picture, name, base));
        match address {
            Some(address) => picture.set_attr("src", &address),
            None => picture.remove_from_parent(),
        }
    }
}

fn absolute(node: &NodeRef<'_>, attribute: &str, base: Option<&Url>) -> Option<String> {
    let written = node.attr(attribute)?;
    let written = written.trim();
    if written.len() > MAX_ADDRESS_CHARS || written.starts_with('#') {
        return None;
    }
    let url = match base {
        Some(base) => base.join(written).ok()?,
        None => Url::parse(written).ok()?,
    };
    let is_picture = node.has_name("img");
    let leads_out = match url.scheme() {
        "http" | "https" => true,
        "mailto" | "tel" => !is_picture,
        _ => false,
    };
    leads_out.then(|| url.into())
}
