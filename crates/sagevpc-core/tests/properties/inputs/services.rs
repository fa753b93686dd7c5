//! Services that take interface endpoints, and what specs ask of them.

use proptest::{prelude::*, sample};
use serde_json::{Value, json};

use super::VPC;

/// Names of services that profiles may ask for.
const NAMES: [&str; 3] = ["sts", "logs", "com.amazonaws.us-east-1.logs"];

/// What a VPC has of services, and what its owners say of them.
#[derive(Clone, Debug)]
pub struct Services {
    /// Those that get an endpoint whoever needs them.
    named: Vec<&'static str>,
    admit: &'static str,
    limit: Option<u32>,
    /// Whether the region still has Elastic Inference.
    elastic_inference: bool,
    /// An endpoint of someone else's for STS: whether it has the name, and the
    /// place of its subnet.
    theirs: Option<(bool, usize)>,
}

pub fn services() -> impl Strategy<Value = Services> {
    (
        named(),
        sample::select(vec!["VpcCidrs", "VpcCidrs", "Profiles"]),
        proptest::option::weighted(0.2, 0..60u32),
        any::<bool>(),
        proptest::option::weighted(0.3, (any::<bool>(), 0..5usize)),
    )
        .prop_map(|(named, admit, limit, elastic_inference, theirs)| Services {
            named,
            admit,
            limit,
            elastic_inference,
            theirs,
        })
}

/// Some of the names, seldom any.
pub fn named() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        2 => Just(Vec::new()),
        1 => sample::subsequence(NAMES.to_vec(), 1..=NAMES.len()),
    ]
}

impl Services {
    /// Says it in the spec of the SageMakerVpc.
    pub fn declare(&self, spec: &mut Value) {
        spec["services"] = json!(self.named);
        spec["interfaceEndpoints"] = json!({ "admit": self.admit });
        spec["grants"]["services"] = json!(["*"]);
        if let Some(limit) = self.limit {
            spec["maxMonthlyCost"] = json!(limit);
        }
    }

    /// What AWS lists, gateway services left out.
    pub fn offered(&self) -> Vec<Value> {
        let zones = ["us-east-1a", "us-east-1b", "us-east-1c"];
        let mut offered = vec![
            ("com.amazonaws.us-east-1.sagemaker.api", &zones[..]),
            ("com.amazonaws.us-east-1.sagemaker.runtime", &zones[..]),
            ("com.amazonaws.us-east-1.sts", &zones[..]),
            ("com.amazonaws.us-east-1.logs", &zones[..2]),
        ];
        if self.elastic_inference {
            offered.push(("com.amazonaws.us-east-1.elastic-inference.runtime", &zones[1..]));
        }
        let listed = offered.into_iter().map(|(name, zones)| {
            json!({ "ServiceName": name, "ServiceType": [{ "ServiceType": "Interface" }], "Owner": "amazon",
                "AvailabilityZones": zones, "PrivateDnsName": format!("{name}.private"),
                "VpcEndpointPolicySupported": true, "SupportedIpAddressTypes": ["ipv4"] })
        });
        listed.collect()
    }

    /// The endpoint of someone else's, where there is one.
    pub fn theirs(&self, subnets: usize, dns: bool) -> Option<Value> {
        let (private_dns, place) = self.theirs?;
        Some(json!({
            "VpcEndpointId": "vpce-0eeeeeeeeeeeeeee0",
            "VpcEndpointType": "Interface",
            "VpcId": VPC,
            "ServiceName": "com.amazonaws.us-east-1.sts",
            "State": "available",
            "SubnetIds": [format!("subnet-{:017x}", place % subnets)],
            "Groups": [{ "GroupId": "sg-0fffffffffffffff0" }],
            "PrivateDnsEnabled": private_dns && dns,
        }))
    }
}
