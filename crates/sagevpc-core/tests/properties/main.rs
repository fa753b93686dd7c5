//! Properties of the pure part, over random networks, profiles and accidents.
//!
//! | File | Proves |
//! |---|---|
//! | `planning` | a plan that was carried out leaves nothing to do; what is foreign stays as it is; profiles' order does not matter; deletion leaves what was there before; approval approves exactly what it names |
//! | `repair` | any damage to what is ours is put back, and nothing wanted is ever taken away on the way |
//! | `clones` | what carries copies of our tags is told, and never touched |
//! | `crashes` | a creation interrupted anywhere is made once |
//! | `kinds` | what is published for a workload is what SageMaker takes for its kind, and whoever cannot run is told why |
//! | `adoption` | what is adopted serves as declared, and is given back |
//! | `statuses` | statuses fit into their schema, and change only when something did; the order of AWS's lists does not matter |
//! | `tenants` | what teams write besides their specs decides nothing; who is not allowed changes nothing; who is gone without having been deleted takes nothing along |
//! | `grants` | every rule lies inside what its namespace is granted; what is granted to others changes no plan |
//! | `network_acls` | what workloads need passes the network ACLs, or someone is told |
//! | `buckets` | what others put into bucket policies stays; a crash forgets no bucket, and nobody is shut out on the way |
//! | `bucket_statements` | our statement in a bucket's policy comes and goes, and leaves the rest as it is |
//! | `roles` | what a role lacks is given once, and taken off in the end; two that serve one role never take turns |
//! | `way_out` | whoever names a host reaches the internet or is told why not; a way out is never gone while it moves |
//! | `removals` | while something runs, no action takes away a way that it needs, nor what policies of buckets and roles permit it |
//! | `reach` | verdicts are those of packets moved one by one; what is called ready reaches S3 |
//!
//! `inputs` draws the networks, `memory` is an EC2 in memory that carries plans
//! out, `schema` checks values as the API server does.

mod adoption;
mod bucket_statements;
mod buckets;
mod clones;
mod crashes;
mod grants;
mod inputs;
mod kinds;
mod memory;
mod network_acls;
mod planning;
mod reach;
mod removals;
mod repair;
mod roles;
mod schema;
mod statuses;
mod tenants;
mod way_out;
