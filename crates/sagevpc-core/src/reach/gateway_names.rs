//! Names of the services that have gateway endpoints: their addresses are in the
//! prefix list of the region's service.

use super::{
    Reach,
    filter::Flow,
    hop::Hop,
    names::{Detour, HTTPS, Receiver, Resolution, Target, is_of_family},
    space::space,
    unseen::Unseen,
};
use crate::{
    catalog::is_directory_bucket,
    observed::{EndpointState, PrefixList, VpcEndpoint},
    types::{BucketAccess, BucketUse, Peer, Region, Traffic},
};

const HTTP: Traffic = Traffic::tcp(80);

/// What of S3 a host's name stands for.
#[derive(Debug, PartialEq, Eq)]
enum S3Name<'n> {
    /// S3 of the region as such.
    Region,
    /// A bucket of the region.
    Bucket(&'n str),
}

/// The name of a region's S3, or of a bucket there.
pub(super) fn s3_host(bucket: Option<&str>, region: &str) -> String {
    match bucket {
        Some(bucket) => format!("{bucket}.s3.{region}.amazonaws.com"),
        None => format!("s3.{region}.amazonaws.com"),
    }
}

/// What of S3 in this region the name stands for, in either of its spellings.
fn s3_name<'n>(name: &'n str, region: &str) -> Option<S3Name<'n>> {
    let ends = [s3_host(None, region), format!("s3.dualstack.{region}.amazonaws.com")];
    ends.iter().find_map(|end| {
        let before = name.strip_suffix(end.as_str())?;
        match before.strip_suffix('.') {
            Some(bucket) => Some(S3Name::Bucket(bucket)),
            None => before.is_empty().then_some(S3Name::Region),
        }
    })
}

impl Reach<'_> {
    /// What a host's name leads to, where it is that of a service with a gateway
    /// endpoint in this region.
    pub(super) fn resolve_by_gateway(&self, name: &str, traffic: Traffic, is_ipv6: bool) -> Option<Resolution> {
        if traffic != HTTPS && traffic != HTTP {
            return None;
        }
        let region = self.snapshot.region.as_ref()?.as_str();
        match s3_name(name, region) {
            Some(S3Name::Region) => return Some(self.resolve_s3(None, traffic, is_ipv6)),
            Some(S3Name::Bucket(name)) => {
                let bucket = BucketUse::new(name, BucketAccess::ReadWrite);
                return Some(self.resolve_s3(Some(&bucket), traffic, is_ipv6));
            }
            None => {}
        }
        let service = name.strip_suffix(&format!(".{region}.amazonaws.com"))?;
        if let Some((bucket, _)) = service.split_once(".s3express-")
            && is_directory_bucket(bucket)
        {
            let bucket = BucketUse::new(bucket, BucketAccess::ReadWrite);
            return Some(self.resolve_directory_bucket(&bucket, traffic, is_ipv6));
        }
        let list = self.gateway_list(service)?;
        Some(self.by_list(list, name, traffic, is_ipv6))
    }

    /// The prefix list of a gateway service other than S3, by its short name.
    pub(super) fn gateway_list(&self, service: &str) -> Option<&PrefixList> {
        let mut lists = self.snapshot.prefix_lists.iter();
        lists.find(|list| self.snapshot.is_service(&list.prefix_list_name, service))
    }

    /// A service by the addresses of its prefix list.
    pub(super) fn by_list(&self, list: &PrefixList, host: &str, traffic: Traffic, is_ipv6: bool) -> Resolution {
        self.by_name(|resolution| self.add_list(resolution, Some(list), &list.prefix_list_name, host, traffic, is_ipv6))
    }

    /// The endpoint's policy is judged for the repositories' objects as such.
    pub(super) fn resolve_package_mirrors(&self, is_ipv6: bool) -> Resolution {
        const HTTP: Traffic = Traffic::tcp(80);
        let mut resolution = self.resolve_s3(None, HTTP, is_ipv6);
        for target in &mut resolution.targets {
            target.s3 = None;
        }
        resolution
    }

    /// A directory bucket, by the name that its zone has: no interface endpoint and
    /// no endpoint of S3 leads there.
    fn resolve_directory_bucket(&self, bucket: &BucketUse, traffic: Traffic, is_ipv6: bool) -> Resolution {
        let region = self.snapshot.region.as_ref().map_or("REGION", |region| region.as_str());
        let name = &bucket.name;
        let zone = name.trim_end_matches("--x-s3").rsplit("--").next().unwrap_or_default();
        let host = format!("{name}.s3express-{zone}.{region}.amazonaws.com");
        let list = self.snapshot.s3_express_prefix_list();
        let service = format!("com.amazonaws.{region}.s3express");
        self.by_name(|resolution| {
            self.add_list(resolution, list, &service, &host, traffic, is_ipv6);
            for target in &mut resolution.targets {
                target.s3 = Some(Some(bucket.clone()));
            }
        })
    }

    pub(super) fn resolve_s3(&self, bucket: Option<&BucketUse>, traffic: Traffic, is_ipv6: bool) -> Resolution {
        if let Some(bucket) = bucket.filter(|bucket| is_directory_bucket(&bucket.name)) {
            return self.resolve_directory_bucket(bucket, traffic, is_ipv6);
        }
        let region = self.snapshot.region.as_ref();
        let elsewhere = bucket.and_then(|bucket| self.snapshot.buckets.get(&bucket.name)?.region.as_ref());
        if let (Some(bucket), Some(there)) = (
            bucket,
            elsewhere.filter(|there| region.is_some_and(|here| here != *there)),
        ) {
            return self.resolve_bucket_elsewhere(&bucket.name, there, is_ipv6);
        }
        let region = region.map_or("REGION", |region| region.as_str());
        let host = s3_host(bucket.map(|bucket| bucket.name.as_str()), region);
        if self
            .interface_endpoint("s3")
            .is_some_and(|endpoint| self.takes_s3s_name(endpoint))
        {
            return self.resolve_service("s3", &host, traffic, is_ipv6);
        }
        let list = self.snapshot.s3_prefix_list();
        let name = format!("com.amazonaws.{region}.s3");
        self.by_name(|resolution| {
            self.add_list(resolution, list, &name, &host, traffic, is_ipv6);
            for target in &mut resolution.targets {
                target.s3 = Some(bucket.cloned());
            }
        })
    }

    /// Whether S3's name leads to this interface endpoint from inside the VPC. Where
    /// it does not say, a gateway endpoint leaves the name to those outside.
    ///
    /// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html>.
    fn takes_s3s_name(&self, endpoint: &VpcEndpoint) -> bool {
        let mut gateways = self.snapshot.s3_gateway_endpoints();
        let has_gateway = || gateways.any(|endpoint| endpoint.state != EndpointState::Deleted);
        let options = endpoint.dns_options.as_ref();
        let only_outside = options.and_then(|options| options.private_dns_only_for_inbound_resolver_endpoint);
        self.detour_past("s3", endpoint).is_none() && !only_outside.unwrap_or_else(has_gateway)
    }

    /// A bucket of another region: no gateway endpoint of this one leads there.
    pub(super) fn resolve_bucket_elsewhere(&self, bucket: &str, region: &Region, is_ipv6: bool) -> Resolution {
        let host = s3_host(Some(bucket), region.as_str());
        let mut resolution = self.by_name(|resolution| self.outside(resolution, &host, HTTPS, is_ipv6));
        resolution.detour = Some(Detour::OtherRegion {
            bucket: bucket.to_owned(),
            region: region.clone(),
            here: self.snapshot.region.clone(),
        });
        resolution
    }

    fn add_list(
        &self,
        resolution: &mut Resolution,
        list: Option<&PrefixList>,
        name: &str,
        host: &str,
        traffic: Traffic,
        is_ipv6: bool,
    ) {
        resolution.hops.push(Hop::PublicName { name: host.to_owned() });
        let nets = list.and_then(|list| Some((list, self.groups.list(&list.prefix_list_id)?)));
        let Some((list, nets)) = nets else {
            let list = name.to_owned();
            resolution.unseen.push(Unseen::PrefixList { list });
            return;
        };
        let nets = nets.iter().filter(|net| is_of_family(net, is_ipv6)).copied();
        resolution.targets.push(Target {
            flow: Flow::of(traffic),
            traffic,
            space: space(nets, Flow::of(traffic).ports),
            whom: vec![Peer::PrefixList(list.prefix_list_id.clone())],
            block: None,
            receiver: Receiver::Outside,
            s3: None,
            calls_back: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_regions_s3_go_by_its_gateway_endpoint() {
        let name = |name| s3_name(name, "eu-west-1");
        assert_eq!(name("s3.eu-west-1.amazonaws.com"), Some(S3Name::Region));
        assert_eq!(name("data.s3.eu-west-1.amazonaws.com"), Some(S3Name::Bucket("data")));
        assert_eq!(
            name("a.b.s3.dualstack.eu-west-1.amazonaws.com"),
            Some(S3Name::Bucket("a.b"))
        );
        for other in [
            "data.s3.us-east-1.amazonaws.com",
            "nots3.eu-west-1.amazonaws.com",
            "s3.amazonaws.com",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
