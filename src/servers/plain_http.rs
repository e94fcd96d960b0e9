//! What control planes over HTTP have in common: queries without any encoding, and answers in JSON.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer in JSON.
pub(super) fn text(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// An answer that says why there is no other.
pub(super) fn refuse(status: StatusCode, why: &str) -> Response {
    text(status, json!({ "error": why }).to_string())
}

/// The answer to what makes no sense.
pub(super) fn bad(why: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, why)
}

/// The fields of a query by name. Values are names, so nothing in them is encoded.
pub(super) fn fields<const N: usize>(query: Option<&str>, names: [&str; N]) -> Result<[Option<String>; N], String> {
    let mut found = [const { None }; N];
    for field in query.unwrap_or_default().split('&').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let Some(place) = names.iter().position(|known| *known == name) else {
            return Err(format!("there is no `{name}` to ask for"));
        };
        if !is_name(value) {
            return Err(format!("`{name}` has letters, digits, dots, dashes and colons"));
        }
        if found[place].replace(value.to_owned()).is_some() {
            return Err(format!("`{name}` is given twice"));
        }
    }
    Ok(found)
}

/// Whether this may stand in a path or a query as it is.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-:_".contains(c))
}
