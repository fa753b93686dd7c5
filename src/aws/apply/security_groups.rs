//! Security groups and their rules.

use aws_sdk_ec2::types::{IpPermission, ResourceType};

use super::{
    made::Made,
    work::{Performed, Resolved, Setback, Work},
};
use crate::aws::{
    convert, describe,
    errors::{Meaning, Refusal, Thing},
};
use sagevpc_core::{
    catalog::calls::Call,
    observed::{NetworkInterface, SecurityGroup},
    plan::SecurityGroupChange,
    types::{Direction, Peer, Rule, SecurityGroupId, Tags, VpcId, listed},
};

/// Changes a security group.
pub(super) async fn change(work: &Work<'_>, change: &SecurityGroupChange, made: &Made<'_>) -> Performed {
    match change {
        SecurityGroupChange::Create {
            key: _,
            vpc,
            name,
            description,
            tags,
        } => create(work, vpc, name, description, tags).await,
        SecurityGroupChange::Authorize {
            group,
            direction,
            rules,
        } => authorize(work, made.resolve(group), *direction, &made.rules(rules)).await,
        SecurityGroupChange::Revoke {
            group,
            direction,
            rules,
        } => revoke(work, made.resolve(group), *direction, &made.rules(rules)).await,
        SecurityGroupChange::Delete { id } => delete(work, id).await,
    }
}

/// Makes a group. Names are unique in a VPC, so that one whose answer was lost
/// is refused the second time, and found by its tags.
async fn create(work: &Work<'_>, vpc: &VpcId, name: &str, description: &str, tags: &Tags) -> Performed {
    let request = work
        .client()
        .create_security_group()
        .vpc_id(vpc.as_str())
        .group_name(name)
        .description(description)
        .tag_specifications(convert::to_tag_specification(ResourceType::SecurityGroup, tags));
    match work.call(Call::CreateSecurityGroup, request.send()).await {
        Ok(answer) => match answer.group_id {
            Some(id) => Ok(Some(id)),
            None => Err(Setback::Waiting(format!(
                "EC2 did not say which security group it made for {name}"
            ))),
        },
        Err(Setback::Refused(refusal)) if refusal.meaning == Meaning::NameTaken => {
            made_before(work, vpc, name, tags, refusal).await
        }
        Err(setback) => Err(setback.vanished(vpc.as_str())),
    }
}

async fn made_before(work: &Work<'_>, vpc: &VpcId, name: &str, tags: &Tags, mut refusal: Refusal) -> Performed {
    let groups = work
        .look(describe::our_security_groups(work.connection(), vpc, tags))
        .await?;
    let ours = groups
        .into_iter()
        .filter(|group| group.group_name.eq_ignore_ascii_case(name));
    match ours.map(|group| group.group_id.to_string()).min() {
        Some(id) => Ok(Some(id)),
        None => {
            refusal.failure.message = format!(
                "{vpc} has another security group named {name}, which is not sagevpc's: rename or delete it, or \
                 list its id in spec.adopt of the SageMakerVpc"
            );
            Err(refusal.into())
        }
    }
}

/// Adds rules.
async fn authorize(work: &Work<'_>, group: Option<Resolved>, direction: Direction, rules: &[Rule]) -> Performed {
    let call = Call::authorize(direction);
    let all_there = Meaning::AlreadyThere;
    change_rules(work, group, call, rules, all_there, |id, permissions| async move {
        let client = work.client();
        match direction {
            Direction::Ingress => {
                let request = client.authorize_security_group_ingress().group_id(id);
                work.call(call, request.set_ip_permissions(Some(permissions)).send())
                    .await
                    .map(drop)
            }
            Direction::Egress => {
                let request = client.authorize_security_group_egress().group_id(id);
                work.call(call, request.set_ip_permissions(Some(permissions)).send())
                    .await
                    .map(drop)
            }
        }
    })
    .await
}

/// Takes rules off.
async fn revoke(work: &Work<'_>, group: Option<Resolved>, direction: Direction, rules: &[Rule]) -> Performed {
    let call = Call::revoke(direction);
    let all_gone = Meaning::NotThere(Thing::Rule);
    change_rules(work, group, call, rules, all_gone, |id, permissions| async move {
        let client = work.client();
        match direction {
            Direction::Ingress => {
                let request = client.revoke_security_group_ingress().group_id(id);
                work.call(call, request.set_ip_permissions(Some(permissions)).send())
                    .await
                    .map(drop)
            }
            Direction::Egress => {
                let request = client.revoke_security_group_egress().group_id(id);
                work.call(call, request.set_ip_permissions(Some(permissions)).send())
                    .await
                    .map(drop)
            }
        }
    })
    .await
}

/// Sends all rules in one call, which EC2 carries out as a whole or not at all.
/// Where some of them are `as_wanted` already, each gets a call of its own, so
/// that they do not hold up the others.
async fn change_rules<F>(
    work: &Work<'_>,
    group: Option<Resolved>,
    call: Call,
    rules: &[Rule],
    as_wanted: Meaning,
    send: impl Fn(String, Vec<IpPermission>) -> F,
) -> Performed
where
    F: Future<Output = Result<(), Setback>>,
{
    let Some(Resolved { id, new }) = group else {
        return Err(Work::refuse(
            call,
            "the security group was not made, so its rules were not changed",
        ));
    };
    if let Some(rule) = rules.iter().find(|rule| matches!(rule.peer, Peer::Made(_))) {
        return Err(Work::refuse(
            call,
            &format!("the security group that {rule} names was not made, so no rule was changed"),
        ));
    }
    let send = |rules: &[Rule]| send(id.clone(), convert::to_ip_permissions(&id, rules));
    let together = if new {
        work.once_visible(|| send(rules)).await
    } else {
        send(rules).await
    };
    match together {
        Ok(()) => return Ok(None),
        Err(setback) if setback.meaning() == Some(as_wanted) => {}
        Err(setback) => return Err(setback.vanished(&id)),
    }
    for rule in rules {
        match send(std::slice::from_ref(rule)).await {
            Ok(()) => {}
            Err(setback) if setback.meaning() == Some(as_wanted) => {}
            Err(setback) => return Err(setback.vanished(&id)),
        }
    }
    Ok(None)
}

/// Deletes a group, or says what still uses it.
async fn delete(work: &Work<'_>, group: &SecurityGroupId) -> Performed {
    let request = work.client().delete_security_group().group_id(group.as_str());
    match work.call(Call::DeleteSecurityGroup, request.send()).await {
        Ok(_) => Ok(None),
        Err(Setback::Refused(refusal)) => match refusal.meaning {
            Meaning::NotThere(Thing::SecurityGroup) => Ok(None),
            Meaning::StillInUse => Err(Setback::Waiting(still_in_use(work, group, &refusal).await)),
            Meaning::NotThere(_)
            | Meaning::AlreadyThere
            | Meaning::NameTaken
            | Meaning::TokenMismatch
            | Meaning::DnsConflict
            | Meaning::NotReady
            | Meaning::Refused(_) => Err(refusal.into()),
        },
        Err(setback) => Err(setback),
    }
}

/// EC2 says only that something depends on the group. What it is, is looked up;
/// where that fails, EC2's words have to do.
async fn still_in_use(work: &Work<'_>, group: &SecurityGroupId, refusal: &Refusal) -> String {
    let connection = work.connection();
    let users = tokio::try_join!(
        describe::network_interfaces_with(connection, group.as_str()),
        describe::security_groups_that_name(connection, group),
    );
    let (interfaces, groups) = users.unwrap_or_default();
    let mut by = Vec::new();
    by.extend(on_interfaces(&interfaces));
    by.extend(in_rules(&groups));
    if by.is_empty() {
        by.push(refusal.failure.message.clone());
    }
    format!("{group} cannot be deleted while it is in use: {}", by.join("; "))
}

fn on_interfaces(interfaces: &[NetworkInterface]) -> Option<String> {
    if interfaces.is_empty() {
        return None;
    }
    let named = listed(interfaces.iter().map(NetworkInterface::described));
    let fix = if interfaces.iter().all(NetworkInterface::is_sagemakers) {
        "SageMaker takes its network interfaces away some time after the workload has ended"
    } else {
        "delete what they belong to, or take the group off them"
    };
    Some(format!("it is on {named} ({fix})"))
}

fn in_rules(groups: &[SecurityGroup]) -> Option<String> {
    if groups.is_empty() {
        return None;
    }
    let named = listed(groups.iter().map(|group| &group.group_id));
    Some(format!("rules of {named} name it (remove those rules)"))
}
