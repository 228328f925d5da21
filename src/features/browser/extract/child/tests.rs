use super::*;

mod documents;

fn html(page: &str) -> Extracted {
    html_from(page, "https://a.test/b/c")
}

fn html_from(page: &str, url: &str) -> Extracted {
    let base = Url::parse(url).unwrap();
    cut(extract(Kind::Html, None, Some(&base), page.as_bytes()).unwrap())
}

fn text(document: &str) -> Extracted {
    cut(extract(Kind::Text, None, None, document.as_bytes()).unwrap())
}

/// Long enough to be the main content.
fn paragraphs() -> String {
    let sentence = "The river is long, and slow, and nobody has seen where it begins. ";
    format!("<p>{}</p>", sentence.repeat(5)).repeat(3)
}

#[test]
fn an_article_comes_without_what_surrounds_it() {
    let page = format!(
        "<html lang='en-GB'><title>Rivers</title><meta name=description content=' About\n rivers. '>\
         <nav><a href=/>Home</a></nav><style>p {{}}</style><article>{}<script>alert(1)</script></article>\
         <footer>Imprint</footer>",
        paragraphs()
    );
    let read = html(&page);
    assert_eq!(read.title.as_deref(), Some("Rivers"));
    assert_eq!(read.description.as_deref(), Some("About rivers."));
    assert_eq!(read.language.as_deref(), Some("en-GB"));
    assert!(read.markdown.starts_with("The river"), "{}", read.markdown);
    for absent in ["Home", "Imprint", "alert", "{"] {
        assert!(
            !read.markdown.contains(absent),
            "{absent}: {}",
            read.markdown
        );
    }
    assert_eq!(read.words, 13 * 15);
    assert_eq!(read.remarks(), [""; 0]);
}

#[test]
fn lists_tables_code_and_links_are_kept() {
    let page = format!(
        "<article>{}<ul><li>One<li>Two</ul><table><tr><th>Name<th>km<tr><td>Nile<td>6650</table>\
         <pre><code>fn main() {{}}\n  x</code></pre><p>See <a href='../d?q=1'>there</a> <b>now</b>.</article>",
        paragraphs()
    );
    let markdown = html(&page).markdown;
    for kept in [
        "- One\n- Two",
        "| Nile | 6650 |",
        "```\nfn main() {}\n  x\n```",
        "[there](https://a.test/d?q=1)",
        "**now**",
    ] {
        assert!(markdown.contains(kept), "{kept}: {markdown}");
    }
}

#[test]
fn a_page_without_main_content_comes_whole() {
    let items: String = (0..40)
        .map(|n| format!("<div><a href='/{n}'>Item {n}</a></div>"))
        .collect();
    let page = html(&format!(
        "<title>List</title><body>{items}<aside>Odd</aside>"
    ));
    for kept in ["[Item 0](https://a.test/0)", "[Item 39](https://a.test/39)"] {
        assert!(page.markdown.contains(kept), "{kept}: {}", page.markdown);
    }
    assert_eq!(html("<p>Hello").markdown, "Hello");
}

#[test]
fn links_lead_out_of_the_page_or_are_none() {
    let page = "<base href='/base/'><p><a href=x>rel</a> <a href='javascript:alert(1)'>script</a> <a href='#top'>top</a> \
                <a href='mailto:a@a.test'>mail</a> <img src='data:image/png;base64,AA' alt=inline> <img src=p.png alt=out>";
    let markdown = html(page).markdown;
    assert!(
        markdown.contains("[rel](https://a.test/base/x)"),
        "{markdown}"
    );
    assert!(markdown.contains("[mail](mailto:a@a.test)"), "{markdown}");
    assert!(
        markdown.contains("![out](https://a.test/base/p.png)"),
        "{markdown}"
    );
    for absent in ["javascript", "#top", "data:"] {
        assert!(!markdown.contains(absent), "{absent}: {markdown}");
    }
    assert!(
        markdown.contains("script") && markdown.contains("top"),
        "{markdown}"
    );
}

#[test]
fn what_is_too_deep_loses_structure_and_no_text() {
    for (levels, is_flattened) in [(100, false), (2000, true)] {
        let (open, close) = ("<div>".repeat(levels), "</div>".repeat(levels));
        let page = html(&format!(
            "{open}a <b>bold</b> <i>word <a href=/x>in <u>it</u></a></i>{close}<p>end"
        ));
        assert_eq!(page.is_flattened, is_flattened);
        for word in ["a", "bold", "word", "in", "it", "end"] {
            assert!(page.markdown.contains(word), "{word}: {}", page.markdown);
        }
        assert_eq!(page.words, 6);
    }
}

#[test]
fn words_of_different_blocks_are_different_words() {
    for page in [
        "<p>one<p>two",
        "<ul><li>one<li>two</ul>",
        "<table><tr><td>one<td>two</table>",
    ] {
        assert_eq!(html(page).words, 2, "{page}");
    }
}

#[test]
fn a_megabyte_of_formats_that_never_close_is_read() {
    let page = html(&format!("{}end", "<b><i>".repeat(170_000)));
    assert!(page.is_flattened);
    assert!(page.markdown.contains("end"));
}

#[test]
fn entities_without_end_are_text() {
    let page = html(&format!(
        "<p>{}{}",
        "&amp;".repeat(10_000),
        "&#x1F600;&unknown;&lt".repeat(1000)
    ));
    assert!(page.markdown.contains('\u{1f600}'));
    // A document type of their own is for XML; here it is passed over.
    let laughs = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><p>&b;";
    assert!(html(laughs).markdown.len() < 100);
}

#[test]
fn a_page_of_pictures_has_no_text() {
    let page = html("<title>Photos</title><img src=a.jpg><img src=b.jpg>");
    assert!(!page.has_text());
    assert!(
        page.remarks()[0].contains("no text"),
        "{:?}",
        page.remarks()
    );
    let empty = html("<div id=root></div><script>render('everything, by scripts alone')</script>");
    assert!(!empty.has_text(), "{empty:?}");
}

#[test]
fn what_is_too_long_is_cut_off_and_counted_whole() {
    let long = "word ".repeat(MAX_CHARS / 4);
    let page = text(&long);
    assert!(page.is_truncated);
    assert_eq!(page.markdown.chars().count(), MAX_CHARS);
    assert_eq!(page.words, MAX_CHARS / 4);
    assert!(!text(&"x".repeat(MAX_CHARS)).is_truncated);
    // Characters and not bytes.
    assert!(!text(&"ü".repeat(MAX_CHARS)).is_truncated);
}

#[test]
fn text_stays_and_data_is_laid_out() {
    assert_eq!(text("a\n  b *c*\n").markdown, "a\n  b *c*");
    assert_eq!(
        text("{\"a\":[1]}").markdown,
        "```json\n{\n  \"a\": [\n    1\n  ]\n}\n```"
    );
    assert_eq!(text("{ no json").markdown, "{ no json");
    assert_eq!(
        text("<?xml version='1.0'?><a>```</a>").markdown,
        "````xml\n<?xml version='1.0'?><a>```</a>\n````"
    );
    assert!(text(&"[".repeat(100_000)).markdown.starts_with("[["));
}

fn decoded(bytes: &[u8], charset: Option<&str>) -> String {
    charset::decode(bytes, charset).into_owned()
}

#[test]
fn a_charset_is_taken_from_wherever_it_is_named() {
    for (label, words) in [
        ("windows-1251", "Привет, мир"),
        ("gb18030", "你好，世界"),
        ("shift_jis", "こんにちは世界"),
        ("koi8-r", "Привет, мир"),
    ] {
        let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
        let (bytes, _, _) = encoding.encode(words);
        assert_eq!(decoded(&bytes, Some(label)), words, "{label} by the server");
        let page = format!("<meta charset=\"{label}\"><p>{words}");
        let (bytes, _, _) = encoding.encode(&page);
        assert_eq!(decoded(&bytes, None), page, "{label} by the page");
        let page =
            format!("<META http-equiv=Content-Type content='text/html; charset={label}'>{words}");
        let (bytes, _, _) = encoding.encode(&page);
        assert_eq!(
            decoded(&bytes, Some("nonsense")),
            page,
            "{label} beside nonsense"
        );
    }
}

#[test]
fn a_byte_order_mark_is_stronger_than_a_label() {
    let utf_16: Vec<u8> = "\u{feff}Grüße"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(decoded(&utf_16, Some("windows-1251")), "Grüße");
    assert_eq!(
        decoded("\u{feff}Grüße".as_bytes(), Some("gb18030")),
        "Grüße"
    );
}

#[test]
fn a_wrong_label_is_passed_over() {
    let words = "Grüße, 世界";
    assert_eq!(decoded(words.as_bytes(), Some("iso-8859-1")), words);
    let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode("<meta charset=windows-1251>Привет");
    assert!(decoded(&bytes, Some("utf-8")).ends_with("Привет"));
    let russian = "Все счастливые семьи похожи друг на друга, каждая несчастливая по-своему.";
    let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(russian);
    assert_eq!(
        decoded(&bytes, None),
        russian,
        "and without any it is guessed"
    );
    assert_eq!(
        decoded(b"a\xffb", Some("utf-8")),
        "aÿb",
        "too little to guess from, and still a text"
    );
}

#[test]
fn the_text_of_a_pdf_is_read_page_by_page() {
    let read = pdf::read(&documents::pdf(&["Hello from page one.", "And from two."])).unwrap();
    assert_eq!(read.pages, Some(2));
    assert_eq!(read.title.as_deref(), Some("A title"));
    assert_eq!(read.markdown, "Hello from page one.\n\nAnd from two.");
    assert_eq!(read.words, 7);
}

#[test]
fn a_scan_says_that_it_has_no_text() {
    let read = pdf::read(&documents::pdf(&[""])).unwrap();
    assert!(!read.has_text());
    assert!(read.remarks()[0].contains("scan"), "{:?}", read.remarks());
}

#[test]
fn a_damaged_pdf_is_refused() {
    let whole = documents::pdf(&["Hello."]);
    for damaged in [&b"hello"[..], b"", b"%PDF-1.4\n", &whole[..whole.len() / 2]] {
        let why = pdf::read(damaged).unwrap_err();
        assert!(why.contains("PDF"), "{why}");
    }
}

#[test]
fn a_locked_pdf_is_said_to_be_locked() {
    let lock = format!(
        "trailer << /Encrypt << /Filter /Standard /V 1 /R 2 /O <{0}> /U <{0}> /P -4 >> /ID [<00> <00>] ",
        "6f".repeat(32)
    );
    let whole = String::from_utf8(documents::pdf(&["Hello."])).unwrap();
    let why = pdf::read(whole.replace("trailer << ", &lock).as_bytes()).unwrap_err();
    assert!(why.contains("password"), "{why}");
}
