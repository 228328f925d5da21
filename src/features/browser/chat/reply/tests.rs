use std::sync::Arc;

use teloxide::types::Seconds;

use super::*;
use crate::features::browser::page::Engine;

fn page(markdown: &str) -> Page {
    Page {
        title: Some("Green\n tea".to_owned()),
        url: "https://tea.example/".to_owned(),
        status: Some(200),
        markdown: markdown.to_owned(),
        engine: Engine::Http,
        is_truncated: false,
        language: None,
        remarks: Vec::new(),
    }
}

fn unknown(text: &str) -> ApiError {
    ApiError::Unknown(text.to_owned())
}

fn says(text: &str) -> RequestError {
    RequestError::Api(unknown(text))
}

#[test]
fn a_short_page_is_a_message_with_its_title_in_bold() {
    let reply = Reply::page(&page("It is hot."));
    let text = "Green tea\nhttps://tea.example/\nread by plain HTTP\n\nIt is hot.";
    assert_eq!((reply.text.as_str(), reply.bold), (text, 9));
    assert!(reply.file.is_none());
}

#[test]
fn a_page_that_fits_no_message_is_a_file_with_a_caption() {
    let head = units("Green tea\nhttps://tea.example/\nread by plain HTTP\n\n");
    // Two units each.
    let fits = "𝒂".repeat((LONGEST_TEXT - head) / 2);
    assert!(Reply::page(&page(&fits)).file.is_none());
    let long = format!("{fits}𝒂");
    let reply = Reply::page(&page(&long));
    let file = reply.file.unwrap();
    assert_eq!(file.name, "green-tea.md");
    assert!(String::from_utf8(file.bytes).unwrap().contains(&long));
    assert_eq!(
        reply.text,
        "Green tea\nhttps://tea.example/\nread by plain HTTP"
    );
}

#[test]
fn a_picture_and_an_open_page_tell_that_they_were_starved() {
    let shot = |is_starved| Shot {
        png: Vec::new(),
        width: 1280,
        height: 2000,
        is_cut: false,
        title: "Tea".to_owned(),
        url: "https://tea.example/".to_owned(),
        status: Some(200),
        is_settled: true,
        is_starved,
        elapsed: Duration::ZERO,
    };
    let outline = |is_starved| Outline {
        title: "Tea".to_owned(),
        url: "https://tea.example/".to_owned(),
        status: Some(200),
        text: "It is hot.".to_owned(),
        is_cut: false,
        is_starved,
        scrolled: (0, 0),
    };
    const MORE: &str = " · it loads more than I fetch";
    for is_starved in [true, false] {
        let replies = [
            Reply::shot(shot(is_starved)).unwrap(),
            Reply::outline(&outline(is_starved)),
        ];
        for reply in replies {
            assert_eq!(reply.text.contains(MORE), is_starved, "{}", reply.text);
        }
    }
}

#[test]
fn a_caption_is_cut_where_it_is_too_long() {
    let mut page = page(&"x".repeat(5_000));
    page.remarks = vec!["ä".repeat(2_000)];
    assert_eq!(units(&Reply::page(&page).text), LONGEST_CAPTION);
}

#[test]
fn a_picture_is_a_photo_within_telegrams_limits() {
    assert!(is_photo(1_280, 8_720, PHOTO_BYTES));
    assert!(!is_photo(1_280, 8_721, 1), "the sides");
    assert!(!is_photo(100, 2_001, 1), "the ratio");
    assert!(!is_photo(1_280, 720, PHOTO_BYTES + 1), "the bytes");
}

#[test]
fn a_photo_that_is_refused_goes_as_a_file_once() {
    let file = File {
        name: "a.png".to_owned(),
        bytes: vec![1],
        is_photo: true,
    };
    let reply = Reply::titled("a", "b").with(file);
    let refused = unknown("Bad Request: PHOTO_INVALID_DIMENSIONS");
    let other = reply.clone().into_file_after(&refused).unwrap();
    assert!(other.file.as_ref().is_some_and(|file| !file.is_photo));
    assert_eq!(other.into_file_after(&refused), None);
    assert_eq!(reply.into_file_after(&unknown("Forbidden")), None);
}

#[test]
fn hits_are_told_while_there_is_room() {
    let hit = Hit {
        title: "A".to_owned(),
        url: "https://a.example".to_owned(),
        excerpt: "x".repeat(900),
    };
    let reply = Reply::hits("green tea", &vec![hit; 8]);
    assert!(units(&reply.text) <= LONGEST_TEXT);
    assert_eq!(reply.text.matches("https://a.example").count(), 4);
    assert_eq!(Reply::hits("x", &[]).text, "Nothing was found.");
}

#[test]
fn a_flood_wait_only_delays_and_a_server_in_trouble_is_waited_out_for_a_day() {
    let (since, later) = (Moment::now(), Moment::now() + GIVE_UP);
    let flood = RequestError::RetryAfter(Seconds::from_seconds(200));
    let delayed = Trouble::Passing(Duration::from_secs(200));
    assert_eq!(weigh(&flood, since, 0, false, later), delayed);
    let away = RequestError::Io(Arc::new(std::io::Error::other("x")));
    let waits = [0, 1, 8, 50].map(|tries| weigh(&away, since, tries, false, since));
    let seconds = [1, 2, 256, 300].map(|s| Trouble::Passing(Duration::from_secs(s)));
    assert_eq!(waits, seconds);
    assert_eq!(weigh(&away, since, 0, false, later), Trouble::Refused);
    let passing = weigh(&says("Bad Gateway"), since, 0, false, since);
    assert!(matches!(passing, Trouble::Passing(_)));
    let refused = weigh(&says("Bad Request: no"), since, 0, false, since);
    assert_eq!(refused, Trouble::Refused);
}

#[test]
fn a_file_is_called_by_its_title() {
    assert_eq!(
        file_name("Grüner Tee, 3. Teil!", "md"),
        "grüner-tee-3-teil.md"
    );
    assert_eq!(file_name("https://a.example/b", "png"), "a-example-b.png");
    assert_eq!(file_name("…", "md"), "page.md");
}

#[test]
fn a_file_that_does_not_arrive_is_given_up_soon_and_why_is_said_without_an_address() {
    let (since, later) = (Moment::now(), Duration::from_secs(1));
    let away = RequestError::Io(Arc::new(std::io::Error::other("http://x/bot1:secret/")));
    let of_a_file = |tries| weigh(&away, since, tries, true, since + later);
    assert!(matches!(of_a_file(FILE_TRIES - 1), Trouble::Passing(_)));
    assert_eq!(of_a_file(FILE_TRIES), Trouble::Refused);
    let flood = RequestError::RetryAfter(Seconds::from_seconds(9));
    let delayed = weigh(&flood, since, FILE_TRIES, true, since);
    assert_eq!(delayed, Trouble::Passing(Duration::from_secs(9)));
    assert_eq!(why(&away), "Telegram could not be reached in time");
    assert_eq!(why(&says("Bad Request: no")), "Bad Request: no");
}

#[test]
fn a_long_address_leaves_room_for_what_else_is_told() {
    let mut page = page(&"word ".repeat(2_000));
    page.url = format!("https://tea.example/{}", "a".repeat(2_000));
    page.is_truncated = true;
    let reply = Reply::page(&page);
    assert!(reply.file.is_some());
    assert!(reply.text.ends_with("its end is cut off"), "{}", reply.text);
    assert!(units(&reply.text) <= LONGEST_CAPTION);
}
