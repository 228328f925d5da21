//! A call's arguments, however they were sent: query, JSON, form or multipart.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::{Form, Json};
use serde_json::{Map, Value};

use super::answer::ApiError;

/// Arguments by name. Forms bring everything as text, so numbers and JSON are read from text too.
#[derive(Debug, Default)]
pub(super) struct Args {
    values: Map<String, Value>,
    files: HashMap<String, Bytes>,
    /// What the files are called, by the same names.
    file_names: HashMap<String, String>,
}

impl Args {
    pub(super) async fn of(request: Request) -> Result<Self, ApiError> {
        let mut args = Self::default();
        if let Ok(Query(query)) = Query::<HashMap<String, String>>::try_from_uri(request.uri()) {
            args.values.extend(texts(query));
        }
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let unreadable = |error: &dyn std::fmt::Display| {
            ApiError::bad_request(&format!("can't parse the body: {error}"))
        };
        if kind.starts_with("application/json") {
            let Json(body) = Json::<Map<String, Value>>::from_request(request, &())
                .await
                .map_err(|error| unreadable(&error))?;
            args.values.extend(body);
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            let Form(body) = Form::<HashMap<String, String>>::from_request(request, &())
                .await
                .map_err(|error| unreadable(&error))?;
            args.values.extend(texts(body));
        } else if kind.starts_with("multipart/form-data") {
            let body = Multipart::from_request(request, &())
                .await
                .map_err(|error| unreadable(&error))?;
            read_parts(body, &mut args)
                .await
                .map_err(|error| unreadable(&error))?;
        }
        Ok(args)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// Text; a number or a flag that JSON brings is taken as it is written.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.get(name)? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(self.get(name)?.to_string())),
            _ => None,
        }
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        let value = self.get(name)?;
        value
            .as_i64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        let is_set = |value: &Value| {
            value
                .as_bool()
                .unwrap_or_else(|| matches!(value.as_str(), Some("true" | "True" | "1")))
        };
        self.get(name).is_some_and(is_set)
    }

    /// A structured argument, which forms send as JSON text.
    pub(super) fn json(&self, name: &str) -> Option<Value> {
        match self.get(name)? {
            Value::String(text) => serde_json::from_str(text).ok(),
            value => Some(value.clone()),
        }
    }

    /// A file that was uploaded under this name, or under one that `attach://` leads to.
    pub(super) fn file(&self, name: &str) -> Option<&Bytes> {
        self.files.get(self.attached(name))
    }

    /// What that file is called.
    pub(super) fn file_name(&self, name: &str) -> Option<&str> {
        self.file_names.get(self.attached(name)).map(String::as_str)
    }

    fn attached<'a>(&'a self, name: &'a str) -> &'a str {
        let attached = self.get(name).and_then(Value::as_str);
        let attached = attached.and_then(|text| text.strip_prefix("attach://"));
        attached.unwrap_or(name)
    }

    /// The chat that is meant. The sandbox's chats have no public names.
    pub(super) fn chat_id(&self) -> Result<i64, ApiError> {
        match self.get("chat_id") {
            None => Err(ApiError::bad_request("chat_id is empty")),
            Some(_) => self
                .int("chat_id")
                .ok_or_else(|| ApiError::bad_request("chat not found")),
        }
    }

    pub(super) fn need_int(&self, name: &str) -> Result<i64, ApiError> {
        self.int(name)
            .ok_or_else(|| ApiError::bad_request(&format!("parameter \"{name}\" is required")))
    }
}

fn texts(pairs: HashMap<String, String>) -> impl Iterator<Item = (String, Value)> {
    pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
}

async fn read_parts(
    mut body: Multipart,
    args: &mut Args,
) -> Result<(), axum::extract::multipart::MultipartError> {
    while let Some(part) = body.next_field().await? {
        let Some(name) = part.name().map(str::to_owned) else {
            continue;
        };
        let file_name = part.file_name().map(str::to_owned);
        let is_file = file_name.is_some();
        if let Some(file_name) = file_name {
            args.file_names.insert(name.clone(), file_name);
        }
        let bytes = part.bytes().await?;
        match String::from_utf8(bytes.to_vec()) {
            Ok(text) if !is_file => args.values.insert(name, Value::String(text)).map(drop),
            _ => args.files.insert(name, bytes).map(drop),
        };
    }
    Ok(())
}
