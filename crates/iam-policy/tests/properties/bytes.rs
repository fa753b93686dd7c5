//! What is done with bytes that may be policies: everything that the policy
//! module offers, for it must never panic. The fuzz target in `fuzz/` does the
//! same with bytes that libFuzzer finds.

use iam_policy::{
    AccountPrincipal, Context, PolicyDocument, Principal, Request, diff, evaluate, evaluate_family, same_meaning,
};

/// Reads two documents, apart at the first line that holds nothing but `---`,
/// and does with them whatever can be done. Says whether both are policies.
pub fn try_everything(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (first, second) = text.split_once("\n---\n").unwrap_or((&text, &text));
    let (first, second) = (first.parse::<PolicyDocument>(), second.parse::<PolicyDocument>());
    for error in [&first, &second].into_iter().filter_map(|parsed| parsed.as_ref().err()) {
        assert!(!error.to_string().is_empty());
    }
    let (Ok(first), Ok(second)) = (first, second) else {
        return false;
    };
    let same = same_meaning(&first, &second);
    assert_eq!(same, same_meaning(&second, &first), "{first}\n{second}");
    assert_eq!(same, diff(&first, &second).is_empty(), "{first}\n{second}");
    assert!(same || first.fingerprint() != second.fingerprint(), "{first}\n{second}");
    for difference in diff(&first, &second) {
        let _ = difference.to_string();
    }
    for document in [&first, &second] {
        assert_eq!(
            document.to_string().parse().as_ref(),
            Ok(document),
            "what is written reads back"
        );
        let _ = document.check_endpoint_policy();
        requests(document).for_each(|request| {
            let _ = (evaluate(document, &request), evaluate_family(document, &request));
        });
    }
    true
}

/// Requests that ask for what the document speaks of.
fn requests(document: &PolicyDocument) -> impl Iterator<Item = Request> {
    let value = document.to_value();
    let statements = value["Statement"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![value["Statement"].clone()]);
    let word = |value: &serde_json::Value| {
        let first = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        first.as_str().unwrap_or_default().to_owned()
    };
    statements.into_iter().take(8).flat_map(move |statement| {
        let action = word(&statement["Action"]);
        let resource = word(&statement["Resource"]);
        let principals = [
            Principal::Anonymous,
            Principal::Aws(word(&statement["Principal"]["AWS"])),
            Principal::Service(word(&statement["Principal"]["Service"])),
        ];
        let values = statement["Condition"].as_object().cloned().unwrap_or_default();
        let context = values
            .values()
            .filter_map(serde_json::Value::as_object)
            .flatten()
            .fold(Context::complete(), |context, (key, value)| {
                context.with_value(key, word(value))
            });
        principals.into_iter().flat_map(move |principal| {
            let request = Request::new(principal, action.clone(), resource.clone());
            [
                request.clone(),
                request.clone().in_context(context.clone()),
                Request {
                    account_principal: AccountPrincipal::RootUser,
                    ..request
                },
            ]
        })
    })
}
