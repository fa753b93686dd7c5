//! Tags of what is there.

use aws_sdk_ec2::types::Tag;

use super::work::{Performed, Work};
use crate::aws::{convert, errors::Meaning};
use sagevpc_core::{catalog::calls::Call, plan::TagsChange, types::Tags};

/// Changes tags.
pub(super) async fn change(work: &Work<'_>, change: &TagsChange) -> Performed {
    match change {
        TagsChange::Create { resource, tags } => create(work, resource, tags).await,
        TagsChange::Delete { resource, keys } => delete(work, resource, keys).await,
    }
}

/// Sets tags.
async fn create(work: &Work<'_>, resource: &str, tags: &Tags) -> Performed {
    let request = work
        .client()
        .create_tags()
        .resources(resource)
        .set_tags(Some(convert::to_tags(tags)));
    match work.call(Call::CreateTags, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) => Err(setback.vanished(resource)),
    }
}

/// Takes tags off, whatever their values.
async fn delete(work: &Work<'_>, resource: &str, keys: &[String]) -> Performed {
    let tags = keys.iter().map(|key| Tag::builder().key(key).build()).collect();
    let request = work.client().delete_tags().resources(resource).set_tags(Some(tags));
    match work.call(Call::DeleteTags, request.send()).await {
        Ok(_) => Ok(None),
        Err(setback) if matches!(setback.meaning(), Some(Meaning::NotThere(_))) => Ok(None),
        Err(setback) => Err(setback),
    }
}
