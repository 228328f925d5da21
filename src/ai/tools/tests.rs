use std::future::pending;

use super::*;

/// Says its arguments, or does as it is told.
struct Odd;

#[async_trait]
impl Tool for Odd {
    fn name(&self) -> &str {
        "odd"
    }

    fn description(&self) -> &str {
        "Does odd things."
    }

    fn parameters(&self) -> Value {
        json!({ "type": "object" })
    }

    async fn call(&self, arguments: Map<String, Value>) -> Result<String, ToolError> {
        match arguments.get("do").and_then(Value::as_str) {
            Some("panic") => panic!("as it was told"),
            Some("hang") => pending().await,
            Some("fail") => Err(ToolError("it is out of order".to_owned())),
            Some("much") => Ok("ü".repeat(1_000_000)),
            _ => Ok(Value::from(arguments).to_string()),
        }
    }
}

fn tools() -> Tools {
    Tools::new(vec![Arc::new(Odd), Arc::new(Clock)], ToolLimits::default())
}

#[tokio::test]
async fn a_tool_is_called_with_its_arguments() {
    assert_eq!(tools().call("odd", r#"{"a":1}"#).await, r#"{"a":1}"#);
    assert_eq!(tools().call("odd", "").await, "{}");
    assert!(tools().call("clock", "{}").await.contains("UTC"));
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_is_told_to_the_model() {
    for (name, arguments, told) in [
        (
            "even",
            "{}",
            "Error: there is no such tool; there are: odd, clock",
        ),
        ("odd", "[]", "Error: the arguments are no JSON object"),
        ("odd", "{\"a\":", "Error: the arguments are no JSON object"),
        ("odd", r#"{"do":"fail"}"#, "Error: it is out of order"),
        ("odd", r#"{"do":"panic"}"#, "Error: the tool failed"),
        (
            "odd",
            r#"{"do":"hang"}"#,
            "Error: there was no result within 30 s",
        ),
        (
            "clock",
            r#"{"zone":"Mars"}"#,
            "Error: there is no such time zone",
        ),
    ] {
        let text = tools().call(name, arguments).await;
        assert!(text.starts_with(told), "{name} {arguments}: {text}");
    }
}

#[tokio::test]
async fn a_long_result_is_cut_off_between_two_characters() {
    let limits = ToolLimits {
        result_bytes: 5,
        ..ToolLimits::default()
    };
    let tools = Tools::new(vec![Arc::new(Odd)], limits);
    let text = tools.call("odd", r#"{"do":"much"}"#).await;
    assert_eq!(text, "üü\n[cut off: 1999996 more bytes]");
}

#[test]
fn tools_are_defined_as_functions() {
    let defined = tools().definitions();
    assert_eq!(defined.len(), 2);
    assert_eq!(defined[1]["type"], "function");
    assert_eq!(defined[1]["function"]["name"], "clock");
    assert_eq!(defined[1]["function"]["parameters"]["type"], "object");
}
