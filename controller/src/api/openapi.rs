//! The OpenAPI 3.1 document, made of the table.

use serde_json::{Map, Value, json};

use super::{
    Act, Answer, Call, Failure, OPERATIONS, Operation, ROOT, Role, resources::Problem,
    shape::Shape, show::VERSION, table::Method,
};
use crate::keeper::Keeper;

/// What can go wrong with any request, and what it means.
const PROBLEMS: [(&str, &str); 11] = [
    ("400", "It cannot be read as a request of this interface."),
    ("401", "It needs a token, or has one that nobody knows."),
    ("403", "The role of the token does not allow it."),
    (
        "404",
        "There is no such path, or it names what is not there.",
    ),
    ("408", "It took too long to arrive."),
    ("409", "It is refused: it cannot be done now."),
    (
        "412",
        "What it is about is not what `If-Match` says any more.",
    ),
    ("413", "Its body is too long."),
    ("415", "Its body is no JSON."),
    ("422", "It can be read, and makes no sense."),
    (
        "429",
        "Too many requests: `Retry-After` says when the next is taken.",
    ),
];

/// The document, as an answer.
pub(super) fn show(_: &mut Keeper, _: &Call) -> Result<Answer, Failure> {
    let document = document();
    Ok(Answer::fine(format!("{document:#}\n"), &document))
}

/// The document.
fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let path = paths
            .entry(format!("{ROOT}{}", operation.path))
            .or_insert(json!({}));
        path[operation.method.name().to_lowercase()] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "counterpoint-controller",
            "version": VERSION,
            "description": "Keeps zones that several signers sign valid while signers join, leave and roll keys.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": { "problem": Problem::schema() },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "`token add` makes one." },
            },
        },
    })
}

fn described(operation: &Operation) -> Value {
    let places = operation.places().map(|place| {
        json!({
            "name": place,
            "in": "path",
            "required": true,
            "schema": { "type": "string", "minLength": 1 },
        })
    });
    let asked = operation.query.iter().map(|(name, what)| {
        json!({
            "name": name,
            "in": "query",
            "description": what,
            "schema": { "type": "string" },
        })
    });
    let field = |name: &str, what: &str| json!({ "name": name, "in": "header", "description": what, "schema": { "type": "string" } });
    let mut parameters: Vec<Value> = places.chain(asked).collect();
    match operation.method {
        Method::Get => {}
        Method::Post => parameters.push(field(
            "Idempotency-Key",
            "A second request with the same key, body and token is answered as the first one was.",
        )),
        Method::Patch | Method::Delete => parameters.push(field(
            "If-Match",
            "The `ETag` of what is to be changed, as it was seen.",
        )),
    }
    let kind = match operation.act {
        Act::Changes => "text/event-stream",
        Act::Now(_) | Act::Apart(_) => "application/json",
    };
    let mut responses = Map::new();
    responses.insert(
        operation.status.to_string(),
        json!({
            "description": "What was asked for.",
            "content": { kind: { "schema": (operation.answer)() } },
        }),
    );
    for (status, what) in PROBLEMS {
        let schema = json!({ "$ref": "#/components/schemas/problem" });
        let content = json!({ "application/problem+json": { "schema": schema } });
        responses.insert(
            status.into(),
            json!({ "description": what, "content": content }),
        );
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.what,
        "description": format!("For the role `{}` and those above.", operation.role.name()),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = operation.body {
        let content = json!({ "application/json": { "schema": body() } });
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described["security"] = match operation.role {
        Role::Anyone => json!([{}, { "token": [] }]),
        _ => json!([{ "token": [] }]),
    };
    described
}
