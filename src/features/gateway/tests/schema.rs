//! As much of JSON Schema as the document uses; anything else in it is a failure.

use serde_json::Value;

/// What is wrong with a value, by the document's schema at this pointer.
pub(super) fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let Some(rules) = schema.as_object() else {
        return Err(format!("{schema} is no schema"));
    };
    let wrong = |what: &str| Err(format!("{value} is not {what}, as {schema} wants"));
    for (rule, wanted) in rules {
        let holds = match rule.as_str() {
            "description" => true,
            "$ref" => {
                let pointer = wanted.as_str().unwrap().trim_start_matches('#');
                let Some(found) = document.pointer(pointer) else {
                    return Err(format!("{pointer} is not in the document"));
                };
                check(document, found, value)?;
                true
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|it| is_of(value, it)),
                one => is_of(value, one),
            },
            "const" => value == wanted,
            "required" => {
                let mut names = wanted.as_array().unwrap().iter();
                names.all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "properties" => {
                for (name, schema) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(document, schema, value)?;
                    }
                }
                true
            }
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    check(document, wanted, item)?;
                }
                true
            }
            "minItems" => value
                .as_array()
                .is_none_or(|it| it.len() as u64 >= wanted.as_u64().unwrap()),
            "minLength" => value
                .as_str()
                .is_none_or(|it| it.len() as u64 >= wanted.as_u64().unwrap()),
            "anyOf" => {
                let mut all = wanted.as_array().unwrap().iter();
                all.any(|schema| check(document, schema, value).is_ok())
            }
            unknown => panic!("{unknown} is not checked"),
        };
        if !holds {
            return wrong(rule);
        }
    }
    Ok(())
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        unknown => panic!("{unknown} is no type that is checked"),
    }
}
