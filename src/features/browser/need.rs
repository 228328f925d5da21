//! Whether a page that came over plain HTTP takes a browser to be read.
//!
//! Only pages with scripts can; of them those
//!
//! - that ask for scripts in words, and have few others;
//! - that have a place for an application, with nothing in it, and few words elsewhere;
//! - of which next to nothing is left when the text is taken out.
//!
//! A page that is wrongly thought complete can still be asked for in the browser; one that is wrongly thought to need it costs
//! a browser's start. So the numbers are small.

/// A page that asks for scripts and has more words than this has others to read.
const FEW: usize = 120;
/// A page with no more words than this may as well be empty.
const NEXT_TO_NONE: usize = 25;

/// Places for an application are looked for among so many elements of one name, and in so many bytes of each: a page can be
/// made of nothing else.
const LOOKS: usize = 20;
const LOOK: usize = 1_024;

/// Said where scripts do not run, in lower case.
const ASKS: [&str; 8] = [
    "enable javascript",
    "enable js",
    "javascript is required",
    "javascript is disabled",
    "requires javascript",
    "need javascript",
    "needs javascript",
    "javascript to run this app",
];

/// Where frameworks put what they make, by the element's id.
const ROOTS: [&str; 7] = [
    "root",
    "app",
    "__next",
    "__nuxt",
    "application",
    "svelte",
    "app-root",
];

/// Whether the page has to be read in a browser. `words` is how many were found in it.
pub(super) fn needs_browser(html: &[u8], words: usize) -> bool {
    let html = String::from_utf8_lossy(html).to_ascii_lowercase();
    if words > FEW || !html.contains("<script") {
        return false;
    }
    words <= NEXT_TO_NONE || asks_for_scripts(&html) || has_empty_root(&html)
}

fn asks_for_scripts(html: &str) -> bool {
    ASKS.iter().any(|asks| html.contains(asks))
}

/// An element with one of these ids, which ends as soon as it has begun.
fn has_empty_root(html: &str) -> bool {
    ROOTS.iter().any(|id| {
        let quoted = [
            format!("id=\"{id}\""),
            format!("id='{id}'"),
            format!("id={id}>"),
        ];
        quoted.iter().any(|id| {
            let mut found = html.match_indices(id.as_str()).take(LOOKS);
            found.any(|(at, id)| is_empty_from(&html[at + id.len() - 1..]))
        })
    })
}

/// Whether an element of which this is the rest of the begin tag has nothing in it. Only its beginning is looked at.
fn is_empty_from(rest: &str) -> bool {
    let rest = &rest[..rest.floor_char_boundary(LOOK)];
    let Some((_, inside)) = rest.split_once('>') else {
        return false;
    };
    let mut inside = inside.trim_start();
    while let Some(comment) = inside.strip_prefix("<!--") {
        inside = comment
            .split_once("-->")
            .map_or("", |(_, rest)| rest.trim_start());
    }
    inside.starts_with("</")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTICLE: usize = 600;
    const SOME: usize = 60;

    #[test]
    fn a_page_without_scripts_never_needs_one() {
        assert!(!needs_browser(b"<p>Please enable JavaScript", 3));
        assert!(!needs_browser(b"<img src=a.png>", 0));
    }

    #[test]
    fn an_article_with_scripts_needs_none_whatever_its_noscript_says() {
        let page = b"<script></script><noscript>Enable JavaScript for comments</noscript>";
        assert!(!needs_browser(page, ARTICLE));
        assert!(!needs_browser(
            b"<script></script><div id=\"root\"></div>",
            ARTICLE
        ));
    }

    #[test]
    fn a_page_of_which_nothing_is_left_needs_one() {
        assert!(needs_browser(b"<SCRIPT src=x></SCRIPT><p>Loading", 1));
        assert!(!needs_browser(
            b"<script></script><p>a short note of some words",
            SOME
        ));
    }

    #[test]
    fn a_page_that_asks_for_scripts_needs_one() {
        let page = b"<script></script><noscript>You need to Enable JavaScript to run this app.";
        assert!(needs_browser(page, SOME));
    }

    #[test]
    fn an_empty_place_for_an_application_needs_one_and_a_filled_one_does_not() {
        for root in [
            "<div id=\"root\"></div>",
            "<div id='app' class=x> <!-- filled later --> </div>",
            "<div id=__next></div>",
            "<app-root id=\"app-root\"></app-root>",
        ] {
            let page = format!("<script></script>{root}");
            assert!(needs_browser(page.as_bytes(), SOME), "{root}");
        }
        let filled = b"<script></script><div id=\"root\"><p>text</p></div>";
        assert!(!needs_browser(filled, SOME));
        let other = b"<script></script><div id=\"rooted\"></div>";
        assert!(!needs_browser(other, SOME));
    }

    #[test]
    fn of_a_page_that_is_made_to_keep_readers_busy_only_the_beginnings_of_elements_are_looked_at() {
        let far = format!("<script></script><div id=app>{}</div>", " ".repeat(LOOK));
        assert!(!needs_browser(far.as_bytes(), SOME));
        let many = "<div id=app>x</div>".repeat(LOOKS) + "<div id=app></div><script>";
        assert!(!needs_browser(many.as_bytes(), SOME));
    }
}
