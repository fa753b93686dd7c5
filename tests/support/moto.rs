//! An AWS server (moto, with what `tests/aws/layer` adds), one for each test
//! process, and accounts in it, one for each test, so that tests run side by
//! side and see nothing of each other.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use http_body_util::Full;
use sagevpc::aws::{CallObserver, Clients, Connections, Ec2, Iam, SageMaker};
use sagevpc_core::{
    api::{self, AssumedRole},
    types::{AccountId, Region},
};

use super::road::forward;

/// Where all tests are.
pub const REGION: &str = "us-east-1";

/// A running server. It ends with this process, however that ends: it reads
/// its standard input, whose other end is here.
pub struct Moto {
    url: String,
    _alive: ChildStdin,
    _process: Child,
}

impl Moto {
    /// The server of this process, started when first asked for.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts another one, whose settings a test may change.
    pub fn start() -> Self {
        let launcher = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/serve_moto.py");
        let mut process = Command::new(python())
            .arg("-B")
            .arg(launcher)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("moto's python runs");
        let alive = process.stdin.take().expect("stdin is piped");
        let mut port = String::new();
        BufReader::new(process.stdout.take().expect("stdout is piped"))
            .read_line(&mut port)
            .expect("moto prints its port");
        let port: u16 = port.trim().parse().expect("moto started; its errors are above");
        Self {
            url: format!("http://127.0.0.1:{port}"),
            _alive: alive,
            _process: process,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The account of the credentials that every test starts from.
    pub fn own_account(&self) -> Account {
        Account {
            id: AccountId::new("123456789012"),
            url: self.url.clone(),
        }
    }

    /// Makes a user in [`own_account`](Self::own_account) who may do these
    /// actions, and has every call checked against IAM from now on.
    pub async fn enforce_iam(&self, actions: &[String]) -> Credentials {
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
        });
        self.iam(&[("Action", "CreateUser"), ("UserName", "sagevpc")]).await;
        let policy = policy.to_string();
        let put = [
            ("Action", "PutUserPolicy"),
            ("UserName", "sagevpc"),
            ("PolicyName", "p"),
            ("PolicyDocument", &policy),
        ];
        self.iam(&put).await;
        let key = self
            .iam(&[("Action", "CreateAccessKey"), ("UserName", "sagevpc")])
            .await;
        let element = |name: &str| {
            let (_, rest) = key.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        self.post("/moto-api/reset-auth", "text/plain", "0".to_owned()).await;
        Credentials::new(element("AccessKeyId"), element("SecretAccessKey"), None, None, "test")
    }

    async fn iam(&self, parameters: &[(&str, &str)]) -> String {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        self.post("/", "application/x-www-form-urlencoded", form).await
    }

    /// Offers a service to an account, for interface endpoints in these zones
    /// alone, whatever AWS offers it otherwise.
    pub async fn offer(&self, account: &Account, service: &str, zones: &[&str]) {
        let offer = serde_json::json!({
            "account": account.id, "region": REGION, "service": service, "zones": zones,
        });
        self.post("/layer/endpoint-services", "application/json", offer.to_string())
            .await;
    }

    async fn post(&self, path: &str, content_type: &str, body: String) -> String {
        let host = self.url.strip_prefix("http://").unwrap();
        let request = hyper::Request::post(path)
            .header("host", host)
            .header("content-type", content_type)
            // The server learns from here which service is meant.
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/iam/aws4_request",
            )
            .body(Full::from(body))
            .unwrap();
        let answer = forward(host, request).await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        String::from_utf8(answer.into_body().to_vec()).unwrap()
    }

    /// An account that nobody else uses.
    pub fn account(&self) -> Account {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = 200_000_000_000 + NEXT.fetch_add(1, Ordering::Relaxed);
        Account {
            id: AccountId::new(number.to_string()),
            url: self.url.clone(),
        }
    }
}

/// The python that has moto, built as for every other suite.
pub fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("MOTO_PYTHON") {
        return python.into();
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/build");
    let built = Command::new(build)
        .arg("moto")
        .stderr(Stdio::inherit())
        .output()
        .expect("tests/tools/build runs");
    assert!(
        built.status.success(),
        "tests/tools/build could not install moto; the cause is above"
    );
    let text = String::from_utf8(built.stdout).expect("paths are text");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MOTO_PYTHON="))
        .expect("it prints MOTO_PYTHON");
    line.into()
}

/// An account of AWS's.
pub struct Account {
    /// Its number.
    pub id: AccountId,
    url: String,
}

impl Account {
    /// A role that may do everything in it. The server takes any role of any
    /// account for real.
    pub fn role(&self) -> AssumedRole {
        AssumedRole {
            role_arn: format!("arn:aws:iam::{}:role/sagevpc-test", self.id),
            external_id: None,
        }
    }

    /// The connection of our own code to it, by another road than the straight
    /// one where `url` is given.
    pub async fn ec2_by(&self, url: &str, observer: Arc<dyn CallObserver>) -> Ec2 {
        let connections = Connections::from_loader(loader(url), observer).await;
        connections.ec2(&Region::new(REGION), Some(&self.role())).await
    }

    /// The connection of our own code to it.
    pub async fn ec2(&self, observer: Arc<dyn CallObserver>) -> Ec2 {
        self.ec2_by(&self.url, observer).await
    }

    /// The connection of our own code to SageMaker in it.
    pub async fn sagemaker(&self, observer: Arc<dyn CallObserver>) -> SageMaker {
        let connections = Connections::from_loader(loader(&self.url), observer).await;
        connections.sagemaker(&Region::new(REGION), Some(&self.role())).await
    }

    /// A configuration with which tests make and look at things, as someone else
    /// would.
    pub async fn config(&self) -> SdkConfig {
        let base = loader(&self.url).load().await;
        let role = aws_config::sts::AssumeRoleProvider::builder(self.role().role_arn)
            .session_name("someone-else")
            .configure(&base)
            .build()
            .await;
        base.to_builder()
            .credentials_provider(SharedCredentialsProvider::new(role))
            .build()
    }

    /// A client of EC2 with which tests make and look at things, as someone else
    /// would.
    pub async fn client(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config().await)
    }

    /// The connection of our own code to its IAM, by the road at `url`.
    pub async fn iam_by(&self, url: &str, observer: Arc<dyn CallObserver>) -> Iam {
        let connections = Connections::from_loader(loader(url), observer).await;
        connections.iam(&Region::new(REGION), Some(&self.role())).await
    }

    /// The connections of our own code to it.
    pub async fn clients(&self, observer: Arc<dyn CallObserver>) -> Clients {
        let connections = Connections::from_loader(loader(&self.url), observer).await;
        let role = self.role();
        let credentials = api::Credentials {
            network: Some(role),
            workloads: None,
        };
        connections.clients(&Region::new(REGION), Some(&credentials)).await
    }

    /// A client of S3, as someone else's.
    pub async fn s3_client(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config().await).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A client of IAM, as someone else's.
    pub async fn iam_client(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.config().await)
    }
}

/// These ways into the network, beside ways that lead nowhere into what a test
/// has no business with.
pub async fn network_only(ec2: &Ec2) -> Clients {
    let nowhere = Connections::from_loader(loader("http://127.0.0.1:1"), super::tally::Tally::new()).await;
    Clients {
        ec2: ec2.clone(),
        workloads: None,
        iam: nowhere.iam(ec2.region(), None).await,
        s3: nowhere.s3(ec2.region(), None).await,
        sagemaker: nowhere.sagemaker(ec2.region(), None).await,
    }
}

/// A configuration that leads to `url`, whatever this machine's environment.
pub fn loader(url: &str) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .region(aws_config::Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
}
