//! How much a status may hold: the schema's bounds, which the code that writes
//! status cuts to.
//!
//! A status with everything at its bound stays under 256 KiB, and leaves room for
//! the largest spec in what etcd takes, 1.5 MiB, also for one in a script of four
//! bytes a character. To the schema bounds are characters; of
//! what we write they are bytes. Bounds of what is only shown are chosen for
//! people to read; what is left out is counted or ends in an ellipsis. Bounds of
//! what is remembered (the ledger, approved changes) are kept by making and
//! approving no more at once.

/// What ids of AWS's and our own keys are made of: a byte a character.
pub(crate) const PRINTABLE: &str = "^[ -~]*$";
/// What [`Holdings`](crate::types::Holdings) are written in.
pub(crate) const HOLDINGS: &str = "^[A-Za-z0-9_-]*$";

/// Things of one kind that a grant names.
pub(crate) const MAX_GRANTS: usize = 64;
/// The same in a grant for certain namespaces, of which there are many.
pub(crate) const MAX_OWN_GRANTS: usize = 8;
/// Grants for certain namespaces.
pub(crate) const MAX_NAMESPACE_GRANTS: usize = 40;
/// Namespaces that one of them names.
pub(crate) const MAX_GRANTED_NAMESPACES: usize = 16;
/// Labels that one of them asks for.
pub(crate) const MAX_GRANTED_LABELS: usize = 4;

/// Conditions of an object.
pub(crate) const MAX_CONDITIONS: usize = 22;
/// Bytes of a condition's message.
pub(crate) const MAX_CONDITION_MESSAGE: usize = 1248;

/// Resources that a VPC's status lists.
pub(crate) const MAX_RESOURCES: usize = 32;
/// Bytes that say what a resource is for.
pub(crate) const MAX_PURPOSE: usize = 128;

/// Actions that `status.plan` lists.
pub(crate) const MAX_ACTIONS: usize = 12;
/// Bytes that name what an action changes.
pub(crate) const MAX_ACTION_RESOURCE: usize = 256;
/// Bytes that say what an action changes about it.
pub(crate) const MAX_ACTION_CHANGE: usize = 512;
/// Bytes that say why.
pub(crate) const MAX_ACTION_REASON: usize = 256;
/// Bytes that say what stands in an action's way.
pub(crate) const MAX_ACTION_MESSAGE: usize = 512;

/// Bytes of an amount of money.
pub(crate) const MAX_COST: usize = 24;

/// Actions that are approved together.
pub(crate) const MAX_APPROVED: usize = 256;
/// Those whom they may hit, all together.
pub(crate) const MAX_APPROVED_VICTIMS: usize = 384;
/// Bytes of the fingerprint of one of those.
pub(crate) const MAX_VICTIM: usize = 8;
/// Bytes of an action's fingerprint.
pub(crate) const MAX_FINGERPRINT: usize = 16;
/// Bytes that say what held actions would do.
pub(crate) const MAX_HELD_MESSAGE: usize = 2048;

/// Bytes that say what drifted last.
pub(crate) const MAX_DRIFT_CHANGE: usize = 1024;

/// Buckets that may have our statement in their policy.
pub(crate) const MAX_BUCKETS_IN_FORCE: usize = 24;
/// Principals that a profile exempts for one bucket.
pub(crate) const MAX_EXEMPT_PRINCIPALS: usize = 8;
/// Endpoints of one VPC that such a statement admits.
pub(crate) const MAX_BUCKET_ENDPOINTS: usize = 4;
/// Exemptions that one VPC puts into such a statement.
pub(crate) const MAX_BUCKET_EXEMPTIONS: usize = 16;

/// Network ACLs that may hold rules of ours.
pub(crate) const MAX_ACLS_IN_FORCE: usize = 16;
/// Numbers of our rules in one of them, each way: EC2 takes 40 of each version
/// of IP at most.
pub(crate) const MAX_ACL_NUMBERS_IN_FORCE: usize = 80;

/// Profiles in force that are remembered by name. Where there are more, nothing
/// is taken away that one of the others may rely on.
pub(crate) const MAX_PROFILES_IN_FORCE: usize = 80;
/// Letters that say what a profile relies on.
pub(crate) const MAX_HOLDINGS: usize = crate::types::HOLDINGS_LETTERS;

/// Creations that are remembered.
pub(crate) const MAX_LEDGER_ENTRIES: usize = 256;
/// Ids besides that the ledger holds, of each sort.
pub(crate) const MAX_LEDGER_IDS: usize = 64;
/// Bytes of what was created: `security-group/`, and the names of a
/// namespace, a profile and a workload.
pub(crate) const MAX_LEDGER_KEY: usize = 208;
/// Bytes of an id of AWS's; the longest are names of roles.
pub(crate) const MAX_ID: usize = 64;

/// Roles with our inline policy.
pub(crate) const MAX_ROLES: usize = 32;
/// Bytes of a role's ARN.
pub(crate) const MAX_ROLE_ARN: usize = 256;

/// Consumers that a VPC's status lists.
pub(crate) const MAX_CONSUMERS: usize = 8;

/// Workloads of a profile.
pub(crate) const MAX_WORKLOADS: usize = 32;
/// Bytes of the message on a workload.
pub(crate) const MAX_WORKLOAD_MESSAGE: usize = 256;
/// Obstacles that are listed of a profile.
pub(crate) const MAX_BLOCKERS: usize = 12;
/// Bytes that name the resource of an obstacle.
pub(crate) const MAX_BLOCKER_RESOURCE: usize = 128;
/// Bytes that say what SageMaker would show.
pub(crate) const MAX_BLOCKER_SHOWS: usize = 512;
/// Bytes that say what an obstacle is.
pub(crate) const MAX_BLOCKER_MESSAGE: usize = 1536;
/// Bytes that say what mends it.
pub(crate) const MAX_BLOCKER_FIX: usize = 2048;
