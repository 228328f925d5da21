//! Files that are uploaded.

use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_file_arrives_with_its_name_and_can_be_fetched() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let url = format!("{}/bot{}/sendDocument", fixture.url, fixture.token);
    let part = Part::bytes(&b"# Tea\n"[..]).file_name("tea.md");
    let form = Form::new().part("document", part);
    let form = form.text("chat_id", "5").text("caption", "Tea");
    let sent = fixture.http.post(url).multipart(form).send().await.unwrap();
    let sent: Value = sent.json().await.unwrap();
    let sent = &sent["result"];
    assert_eq!(sent["document"]["file_name"], "tea.md", "{sent}");
    assert_eq!(sent["caption"], "Tea");
    let place = |id: &Value| {
        let place = format!("control/document?chat_id=5&message_id={id}");
        format!("{}/{place}", fixture.url)
    };
    let file = fixture.http.get(place(&sent["message_id"]));
    let file = file.send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "application/octet-stream");
    assert_eq!(file.text().await.unwrap(), "# Tea\n");
    let none = fixture.http.get(place(&json!(1))).send().await.unwrap();
    assert_eq!(none.status(), 404);
}

#[tokio::test]
async fn a_call_without_a_file_is_refused() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let url = format!("{}/bot{}/sendDocument", fixture.url, fixture.token);
    let answer = fixture.http.post(url).json(&json!({ "chat_id": 5 }));
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let why = "Bad Request: there is no document in the request";
    assert_eq!(answer["description"], json!(why));
}
