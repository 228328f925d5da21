//! `/shot`.

use super::reading::{Reading, text_of};

const ADA: i64 = 81;

#[tokio::test]
async fn a_picture_is_a_photo_and_one_that_is_too_tall_for_that_a_file() {
    let Some(reading) = Reading::with_chromium("a_picture_is_a_photo", "").await else {
        return;
    };
    let _bot = reading.bot();
    reading.asks(ADA, "/shot", "/green").await;
    let message = reading.answer(ADA, 1).await;
    let size = &message["photo"][0];
    assert_eq!(
        (&size["width"], &size["height"]),
        (&1280.into(), &3000.into()),
        "{message}"
    );
    assert!(text_of(&message).starts_with("Green\n"), "{message}");
    let png = reading.file("photo", &message).await;
    assert!(png.starts_with(b"\x89PNG"));
    reading.asks(ADA, "/shot", "/tall").await;
    let message = reading.answer(ADA, 2).await;
    assert_eq!(message["document"]["file_name"], "tall.png", "{message}");
    let png = reading.file("document", &message).await;
    assert!(png.starts_with(b"\x89PNG"));
    reading.wait_for_browsers(false).await;
}
