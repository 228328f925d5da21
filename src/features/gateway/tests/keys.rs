//! Who is let in, and how much they may ask.

use super::*;
use crate::store::Key;
use crate::store::sqlite::Sqlite;

fn keyed(name: &str) -> GatewayKey {
    GatewayKey {
        name: name.to_owned(),
        secret: Secret::new(format!("sk-{name}")),
        tokens_per_day: None,
        requests_per_minute: None,
    }
}

fn only(key: GatewayKey) -> Settings {
    Settings {
        keys: vec![keyed("other"), key],
        ..Settings::default()
    }
}

async fn ask_as(up: &Up, key: &str) -> Response {
    let request = up.request(Method::POST, "/v1/chat/completions");
    request
        .bearer_auth(key)
        .json(&hello())
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn only_who_has_a_key_is_let_in() {
    let up = Up::with(only(keyed("ada"))).await;
    assert_eq!(ask_as(&up, "sk-ada").await.status(), StatusCode::OK);
    let request = up
        .request(Method::GET, "/v1/models")
        .header("x-api-key", "sk-other");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    let wrong = ask_as(&up, "sk-eve").await;
    assert_eq!(wrong.headers()["www-authenticate"], "Bearer");
    assert_eq!(wrong.headers()["x-should-retry"], "false");
    let (status, problem) = error(wrong).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (401, &json!("invalid_api_key"))
    );
    assert!(
        !problem["message"].as_str().unwrap().contains("eve"),
        "{problem}"
    );
    assert_eq!(
        up.get("/v1/models").await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(up.get("/health").await.status(), StatusCode::OK);
    // A page may have a key; what it does not have is permission to read the answer.
    let page = up.request(Method::GET, "/v1/models").bearer_auth("sk-ada");
    let page = page
        .header("origin", "https://a.example")
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(!page.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_keys_requests_of_a_minute_are_limited() {
    let up = Up::with(only(GatewayKey {
        requests_per_minute: Some(2),
        ..keyed("ada")
    }))
    .await;
    for _ in 0..2 {
        assert_eq!(ask_as(&up, "sk-ada").await.status(), StatusCode::OK);
    }
    let refused = ask_as(&up, "sk-ada").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    assert_eq!(ask_as(&up, "sk-other").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_keys_tokens_of_a_day_are_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let settings = only(GatewayKey {
        tokens_per_day: Some(1),
        ..keyed("ada")
    });
    for is_first in [true, false] {
        let store: Store = Arc::new(Sqlite::open(dir.path()).unwrap());
        let ai = Ai::new(Vec::new()).unwrap();
        let gateway = Gateway::new(ai, settings.clone());
        let up = Up::of(gateway, Some(Arc::clone(&store))).await;
        if is_first {
            assert_eq!(ask_as(&up, "sk-ada").await.status(), StatusCode::OK);
        }
        let refused = ask_as(&up, "sk-ada").await;
        assert_eq!(refused.headers()["x-should-retry"], "false");
        let (status, problem) = error(refused).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (429, &json!("insufficient_quota"))
        );
        assert_eq!(up.end().await.exit_kind().code(), 0);
        let key = Key::new("gateway/spent/ada").unwrap();
        let kept = store.read(&key).await.unwrap().unwrap();
        let kept: Value = serde_json::from_str(&kept.body).unwrap();
        assert_eq!(kept["requests"], 1, "{kept}");
        assert!(kept["tokens"].as_u64().unwrap() >= 1, "{kept}");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn who_is_sent_away_by_a_stop_pays_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store: Store = Arc::new(Sqlite::open(dir.path()).unwrap());
    let ai = Ai::new(vec![ProviderSpec::new("slow", silent())]).unwrap();
    let gateway = Gateway::new(ai, only(keyed("ada")));
    let up = Up::of(gateway.clone(), Some(Arc::clone(&store))).await;
    let asking = ask_as(&up, "sk-ada");
    let stopping = async {
        // As soon as it is held.
        while gateway.0.places.available_permits() == Settings::default().concurrent {
            tokio::task::yield_now().await;
        }
        up.handle.request_stop("the test is over");
    };
    let (response, ()) = tokio::join!(asking, stopping);
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    up.end().await;
    let key = Key::new("gateway/spent/ada").unwrap();
    let kept = store.read(&key).await.unwrap().unwrap();
    let kept: Value = serde_json::from_str(&kept.body).unwrap();
    assert_eq!((&kept["requests"], &kept["tokens"]), (&json!(1), &json!(0)));
    store.close().await.unwrap();
}
