//! A page as people and models get it.

use std::fmt::Write;

/// Who has fetched a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Engine {
    /// A plain request.
    Http,
    /// A real browser, whose scripts have run.
    Chromium,
}

impl Engine {
    /// As it is told to people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "plain HTTP",
            Self::Chromium => "Chromium",
        }
    }
}

/// What a page says, and what there is to know about that.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) title: Option<String>,
    /// Where it was found, after redirects.
    pub(crate) url: String,
    /// None where it is not known.
    pub(crate) status: Option<u16>,
    pub(crate) markdown: String,
    pub(crate) engine: Engine,
    /// The end is missing.
    pub(crate) is_truncated: bool,
    /// As the page names its language.
    pub(crate) language: Option<String>,
    /// What else a reader should know, as sentences.
    pub(crate) remarks: Vec<String>,
}

/// Without what it says, which is nobody's business in a log.
impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
            .field("status", &self.status)
            .field("engine", &self.engine)
            .field("bytes", &self.markdown.len())
            .finish_non_exhaustive()
    }
}

impl Page {
    /// Its title, or else its address.
    pub(crate) fn name(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.url)
    }

    /// What is told of it besides its title and its address: by whom it was read, and what is not as it should be. A line
    /// each.
    pub(crate) fn about(&self) -> String {
        let mut about = format!("read by {}", self.engine.name());
        if let Some(status) = self.status.filter(|status| *status != 200) {
            let _ = write!(about, " · status {status}");
        }
        if let Some(language) = &self.language {
            let _ = write!(about, " · {language}");
        }
        if self.is_truncated {
            about += " · its end is cut off";
        }
        for remark in &self.remarks {
            about.push('\n');
            about += remark;
        }
        about
    }

    /// All of it as one text.
    pub(crate) fn as_markdown(&self) -> String {
        let title = self.name().replace('\n', " ");
        let (url, about) = (&self.url, self.about());
        format!("# {title}\n\n{url}\n{about}\n\n{}\n", self.markdown)
    }

    /// What it takes in memory, about.
    pub(super) fn weight(&self) -> usize {
        let title = self.title.as_ref().map_or(0, String::len);
        self.markdown.len() + self.url.len() + title + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            title: Some("Tea".to_owned()),
            url: "https://tea.example/".to_owned(),
            status: Some(200),
            markdown: "It is hot.".to_owned(),
            engine: Engine::Http,
            is_truncated: false,
            language: None,
            remarks: Vec::new(),
        }
    }

    #[test]
    fn a_page_says_where_it_was_found_and_who_has_read_it() {
        assert_eq!(
            page().as_markdown(),
            "# Tea\n\nhttps://tea.example/\nread by plain HTTP\n\nIt is hot.\n"
        );
    }

    #[test]
    fn what_is_not_as_it_should_be_is_told() {
        let page = Page {
            status: Some(404),
            engine: Engine::Chromium,
            is_truncated: true,
            language: Some("en".to_owned()),
            remarks: vec!["It never came to rest.".to_owned()],
            ..page()
        };
        assert_eq!(
            page.about(),
            "read by Chromium · status 404 · en · its end is cut off\nIt never came to rest."
        );
    }

    #[test]
    fn nothing_of_a_page_is_in_its_debug_text() {
        let text = format!("{:?}", page());
        assert!(!text.contains("hot") && !text.contains("example"), "{text}");
    }
}
