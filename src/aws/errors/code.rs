//! The code of an error, from an answer as it came.
//!
//! Each service writes its refusals in its own way:
//!
//! | Service | Protocol | Where the code stands |
//! |---|---|---|
//! | EC2 | EC2 query | `<Response><Errors><Error><Code>` |
//! | IAM, STS | query | `<ErrorResponse><Error><Code>` |
//! | S3 | XML | `<Error><Code>`; nowhere in an answer to HEAD |
//! | SageMaker | JSON | `__type` of the body, or the header `x-amzn-errortype` |

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::Value;

/// The header in which services that speak JSON may name the error.
///
/// See <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>.
const ERROR_TYPE: &str = "x-amzn-errortype";

/// The code that an answer names; `None` where it names none.
pub fn code_of(answer: &HttpResponse) -> Option<String> {
    if let Some(named) = answer.headers().get(ERROR_TYPE) {
        return Some(bare(named));
    }
    let body = answer.body().bytes()?;
    match serde_json::from_slice(body) {
        Ok(Value::Object(json)) => {
            let named = ["code", "__type"].into_iter().find_map(|key| json.get(key)?.as_str());
            named.map(bare)
        }
        Ok(_) => None,
        // It is XML.
        Err(_) => between(&String::from_utf8_lossy(body), "<Code>", "</Code>").map(str::to_owned),
    }
}

/// The name without the namespace before it and the address behind it, as in
/// `com.amazonaws.sagemaker#ResourceNotFound:http://internal.amazon.com/coral/`.
fn bare(named: &str) -> String {
    let (name, _) = named.split_once(':').unwrap_or((named, ""));
    let (_, name) = name.rsplit_once('#').unwrap_or(("", name));
    name.trim().to_owned()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(found, _)| found.trim())
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> HttpResponse {
        let mut answer = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
        for (name, value) in headers {
            answer.headers_mut().insert(*name, *value);
        }
        answer
    }

    fn code(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Option<String> {
        code_of(&answer(status, headers, body))
    }

    #[test]
    fn of_ec2() {
        let body = r#"<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message></Error></Errors><RequestID>4c3eb3e2-6d3c-4a1f-9f0e-8b8f6b0d3a11</RequestID></Response>"#;
        assert_eq!(code(503, &[], body).as_deref(), Some("RequestLimitExceeded"));
    }

    #[test]
    fn of_iam_and_sts() {
        let iam = r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <Error>
    <Type>Sender</Type>
    <Code>Throttling</Code>
    <Message>Rate exceeded</Message>
  </Error>
  <RequestId>0f2a1c9e-2d1b-4a53-9d0e-5d3a2f7c8b61</RequestId>
</ErrorResponse>"#;
        assert_eq!(code(400, &[], iam).as_deref(), Some("Throttling"));
        let sts = r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>ExpiredToken</Code>
    <Message>The security token included in the request is expired</Message>
  </Error>
  <RequestId>9b1f8d2c-77b5-4c4e-8a54-3f1c0a6be7d2</RequestId>
</ErrorResponse>"#;
        assert_eq!(code(403, &[], sts).as_deref(), Some("ExpiredToken"));
    }

    #[test]
    fn of_s3() {
        let body = r#"<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message><RequestId>656c76696e6727</RequestId><HostId>Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7</HostId></Error>"#;
        assert_eq!(code(503, &[], body).as_deref(), Some("SlowDown"));
        let to_head = answer(403, &[("x-amz-request-id", "656c76696e6727")], "");
        assert_eq!(code_of(&to_head), None);
    }

    #[test]
    fn of_sagemaker() {
        let plain = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
        assert_eq!(code(400, &[], plain).as_deref(), Some("ThrottlingException"));
        let prefixed = r#"{"__type":"com.amazonaws.sagemaker#ThrottlingException","message":"Rate exceeded"}"#;
        assert_eq!(code(400, &[], prefixed).as_deref(), Some("ThrottlingException"));
        let of_coral = r#"{"__type":"com.amazon.coral.availability#ThrottlingException:http://internal.amazon.com/coral/","message":"Rate exceeded"}"#;
        assert_eq!(code(400, &[], of_coral).as_deref(), Some("ThrottlingException"));
        let denied = r#"{"__type":"AccessDeniedException","Message":"User: arn:aws:iam::111122223333:user/x is not authorized to perform: sagemaker:ListModels"}"#;
        assert_eq!(code(400, &[], denied).as_deref(), Some("AccessDeniedException"));
    }

    #[test]
    fn of_a_header_before_the_body() {
        let header = [(
            "x-amzn-errortype",
            "ThrottlingException:http://internal.amazon.com/coral/",
        )];
        assert_eq!(code(400, &header, "").as_deref(), Some("ThrottlingException"));
        let body = r#"{"__type":"ValidationException"}"#;
        assert_eq!(code(400, &header, body).as_deref(), Some("ThrottlingException"));
    }

    #[test]
    fn of_an_answer_that_names_none() {
        assert_eq!(code(502, &[], "<html><h1>502 Bad Gateway</h1></html>"), None);
        assert_eq!(code(400, &[], r#"{"message":"no"}"#), None);
        assert_eq!(code(400, &[], "[]"), None);
    }
}
