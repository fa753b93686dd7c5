//! Exit codes: the one list of them.

use std::fmt::Write as _;

/// An answer that is no: it differs, is stopped, is denied, or something is to be
/// done.
pub(super) const NO: u8 = 2;

/// There is an answer, and it is not all told: it hangs on what was not given, or
/// nothing is to be done and yet not all is well.
pub(super) const NOT_TOLD: u8 = 3;

/// The command line itself is wrong: the `EX_USAGE` of `sysexits.h`.
pub const USAGE: u8 = 64;

/// Of `sagevpc plan`.
pub(super) const PLAN: &str = "Exit status: 0 when nothing is to be done and all workloads can run, 2 when there are \
     changes, 3 when nothing is to be done and a workload cannot run, or that cannot be told, 1 on an error, 64 when the \
     command line is wrong.";

/// Of `sagevpc reach`.
pub(super) const REACH: &str = "Exit status: 0 when it can be reached, 2 when something stops the way, 3 when that cannot \
     be told from the snapshot, 1 on an error, 64 when the command line is wrong.";

/// Of `sagevpc policy guard`.
pub(super) const GUARD: &str = "Example: a policy from the objects of a cluster, for a team's role, and what is attached \
     to it later:\n\n  kubectl get smvpc,smvp,ns -A -o yaml | sagevpc policy guard -f - > guard.json\n  kubectl get \
     smvpc,smvp,ns -A -o yaml | sagevpc policy guard -f - --snapshot ./aws --verify fraud-training\n\nThe policy denies \
     and allows nothing: put it beside what allows. Calls that start what was made before (CreateTransformJob, \
     CreateEndpoint) have no condition keys of a VPC: the model's creation is what counts. A monitoring schedule must \
     name its network itself.\n\nExit status: 0 when it is printed, or the one verified does as it should, 2 when that \
     one allows what is not declared or denies what is, 3 when that hangs on what is not given, 1 on an error, 64 when \
     the command line is wrong.";

/// What the codes of each command say: 0, [`NO`], [`NOT_TOLD`]; empty where a
/// command has none.
const TABLE: [(&str, [&str; 3]); 6] = [
    (
        "plan",
        [
            "nothing is to be done, and all workloads can run",
            "there are changes",
            "nothing is to be done, and a workload cannot run, or that cannot be told",
        ],
    ),
    (
        "reach",
        [
            "it can be reached",
            "something stops the way",
            "the snapshot does not tell",
        ],
    ),
    ("policy diff", ["they mean the same", "they differ", ""]),
    (
        "policy eval",
        ["it is allowed", "it is denied", "that hangs on what is not given"],
    ),
    (
        "policy guard",
        [
            "it is printed, or what is verified does as it should",
            "what is verified allows what is not declared, or denies what is",
            "that hangs on what is not given",
        ],
    ),
    ("run, snapshot, explain, print", ["it is done", "", ""]),
];

/// The table of all exit codes, in Markdown.
pub(super) fn table() -> String {
    let mut table = format!("| Command | 0 | {NO} | {NOT_TOLD} |\n|---|---|---|---|\n");
    for (command, [yes, no, not_told]) in TABLE {
        let _ = writeln!(table, "| `{command}` | {yes} | {no} | {not_told} |");
    }
    let _ = writeln!(
        table,
        "\nOf every command, 1 is an error: the command has not done its work, and standard error says why; {USAGE} says \
         that the command line itself is wrong. `--help` is 0, and so is standard output that nobody reads to its end."
    );
    table
}
