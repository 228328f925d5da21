//! Pictures that are uploaded.

use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::*;

/// A PNG of 3 by 2 pixels, with nothing in it that a look at its head and its end would miss.
fn png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0, 1, 2, 3, 4]);
    png.extend(b"\0\0\0\0IEND\xae\x42\x60\x82");
    png
}

impl Fixture {
    async fn upload(&self, form: Form) -> Value {
        let url = format!("{}/bot{}/sendPhoto", self.url, self.token);
        let sent = self.http.post(url).multipart(form.text("chat_id", "5"));
        sent.send().await.unwrap().json().await.unwrap()
    }

    async fn picture(&self, message_id: &Value) -> Response {
        let place = format!("control/photo?chat_id=5&message_id={message_id}");
        let url = format!("{}/{place}", self.url);
        self.http.get(url).send().await.unwrap()
    }
}

#[tokio::test]
async fn a_picture_arrives_and_can_be_fetched() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let part = || Part::bytes(png()).file_name("captcha.png");
    let forms = [
        Form::new().part("photo", part()),
        Form::new()
            .text("photo", "attach://upload7")
            .part("upload7", part()),
    ];
    for form in forms {
        let form = form
            .text("caption", "<b>Which?</b>")
            .text("parse_mode", "HTML");
        let sent = fixture.upload(form).await["result"].clone();
        assert_eq!(sent["caption"], json!("Which?"), "{sent}");
        assert_eq!(sent["caption_entities"][0]["type"], json!("bold"));
        let size = &sent["photo"][0];
        assert_eq!(
            (&size["width"], &size["height"], &size["file_size"]),
            (&json!(3), &json!(2), &json!(png().len()))
        );
        let picture = fixture.picture(&sent["message_id"]).await;
        assert_eq!(picture.headers()["content-type"], "image/png");
        assert_eq!(picture.bytes().await.unwrap(), png());
    }
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let mut cut = png();
    cut.truncate(30);
    for bytes in [vec![0xff; 1_000], cut, b"\x89PNG\r\n\x1a\n".to_vec()] {
        let form = Form::new().part("photo", Part::bytes(bytes).file_name("captcha.png"));
        let answer = fixture.upload(form).await;
        assert_eq!(
            answer["description"],
            json!("Bad Request: IMAGE_PROCESS_FAILED")
        );
    }
    assert_eq!(fixture.picture(&json!(1)).await.status(), 404);
}
