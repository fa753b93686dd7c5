//! VPCs of one account are looked at in one round, and what AWS keeps from us
//! of one of them is that one's alone.

use futures::future::join_all;
use sagevpc_core::{observed::Interest, report::FailureKind};

use crate::{
    plans::world_and_account,
    support::{network::Network, road::Fault},
};

fn denied() -> Fault {
    Fault::Refuse {
        status: 403,
        code: "UnauthorizedOperation",
        message: "You are not authorized to perform this operation.".into(),
    }
}

#[tokio::test]
async fn what_aws_keeps_from_us_of_one_vpc_disturbs_no_other() {
    let strange = Fault::Refuse {
        status: 400,
        code: "InvalidVpcState",
        message: "The VPC is in a state of its own.".into(),
    };
    let unreadable = Fault::Answer("this is not XML".into());
    for (fault, kind) in [
        (denied(), FailureKind::AccessDenied),
        (strange, FailureKind::Rejected),
        (unreadable, FailureKind::Unreachable),
        (Fault::Silence, FailureKind::Unreachable),
    ] {
        let (account, bad, road, ec2) = world_and_account().await;
        let good = [Network::new(&account).await, Network::new(&account).await];
        road.about("DescribeVpcAttribute", bad.vpc.as_str(), fault.clone());
        let all: Vec<_> = good.iter().chain([&bad]).map(|network| network.vpc.clone()).collect();
        let looks = all.iter().map(|vpc| {
            let interest = Interest {
                vpc: Some(vpc.clone()),
                ..Interest::default()
            };
            let ec2 = ec2.clone();
            async move { ec2.observe(&interest).await }
        });
        let mut looks = join_all(looks).await;
        let of_bad = looks.pop().unwrap().expect_err("it cannot be looked at in full");
        assert_eq!(of_bad.kind, kind, "{fault:?}: {of_bad:?}");
        assert_eq!(of_bad.action, "ec2:DescribeVpcAttribute", "{fault:?}");
        for (network, look) in good.iter().zip(looks) {
            let seen = look.unwrap().vpc(&network.vpc).unwrap();
            assert!(seen.attributes.is_some(), "{fault:?}");
        }
    }
}
