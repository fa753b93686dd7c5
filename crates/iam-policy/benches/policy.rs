//! How long it takes to compare two policies, each of 20 KB, the most that an
//! endpoint or a bucket takes: equal ones in another order and spelling, and
//! ones that differ in a statement.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use iam_policy::{Comparison, PolicyDocument, Statement, diff, same_meaning};

/// The size of the documents, in characters.
const SIZE: usize = 20_000;

/// Statements on one bucket each, as many as fit.
fn document() -> PolicyDocument {
    let mut document = PolicyDocument::new([]);
    for number in 0.. {
        let bucket = format!("arn:aws:s3:::team-{number}-data");
        let statement = Statement::allow(["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
            .sid(format!("Team{number}"))
            .everyone()
            .on([bucket.clone(), format!("{bucket}/*")])
            .when(Comparison::StringEquals, "aws:PrincipalTag/team", [number.to_string()])
            .when(
                Comparison::ArnLike,
                "aws:PrincipalArn",
                [format!("arn:aws:iam::*:role/team-{number}-*")],
            );
        document.statements.push(statement);
        if document.to_string().len() > SIZE {
            document.statements.pop();
            break;
        }
    }
    document
}

/// The same, the other way round and in AWS's own spelling.
fn respelt(document: &PolicyDocument) -> PolicyDocument {
    let mut respelt = document.clone();
    respelt.statements.reverse();
    let text = respelt.to_string();
    let text = text
        .replace("\"Principal\":\"*\"", "\"Principal\":{\"AWS\":\"*\"}")
        .replace("s3:Get", "S3:get");
    text.parse().expect("the other spelling is a policy, too")
}

fn comparisons(criterion: &mut Criterion) {
    let first = document();
    let same = respelt(&first);
    let mut other = same.clone();
    let middle = other.statements.len() / 2;
    other.statements[middle] = other.statements[middle].clone().on(["*"]);
    assert!(same_meaning(&first, &same) && !same_meaning(&first, &other));

    let mut group = criterion.benchmark_group("policy");
    for (name, second) in [("equal", &same), ("different", &other)] {
        group.bench_function(format!("same_meaning/{name}"), |bencher| {
            bencher.iter(|| same_meaning(black_box(&first), black_box(second)));
        });
        group.bench_function(format!("diff/{name}"), |bencher| {
            bencher.iter(|| diff(black_box(&first), black_box(second)));
        });
    }
    group.finish();
}

criterion_group!(benches, comparisons);
criterion_main!(benches);
