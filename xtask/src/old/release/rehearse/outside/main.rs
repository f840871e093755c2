//! Tells what an account cost in a month: a program with `blaxel-billing` and nothing else of the SDK,
//! which carries its requests by a client of somebody else.

use std::error::Error;
use std::{env, future};

use blaxel_billing::blaxel_core::{ApiVersion, BaseUrl, Body, BoxError, Endpoints, HttpService, Source};
use blaxel_billing::{Billing, Dimension, MetricsQuery, Window};

fn main() -> Result<(), Box<dyn Error>> {
    let service = carrier(
        Endpoints::new(base("BL_API_URL")?, base("BL_RUN_URL")?),
        format!("Bearer {}", env::var("BL_API_KEY")?),
        env::var("BL_WORKSPACE")?,
    );
    let report = async {
        let billing = Billing::new(service);
        let account = billing.account_of(&env::var("BL_WORKSPACE")?).await?;
        let query = MetricsQuery::new(Window::month(2026, 4)?).group_by(Dimension::ResourceType);
        let report = billing.report(&account, &query).await?;
        for entry in report.by(&Dimension::ResourceType)?.entries() {
            println!("{}: ${}", entry.label(), entry.cost());
        }
        println!("in all: ${}", report.total());
        Ok(())
    };
    pollster::block_on(report)
}

fn base(variable: &str) -> Result<BaseUrl, Box<dyn Error>> {
    let source = Source::variable(variable.to_owned());
    Ok(source.parse(&env::var(variable)?)?)
}

fn carrier(endpoints: Endpoints, key: String, workspace: String) -> impl HttpService {
    tower::service_fn(move |request| {
        future::ready(carry(&endpoints, &key, &workspace, request))
    })
}

fn carry(
    endpoints: &Endpoints,
    key: &str,
    workspace: &str,
    mut request: http::Request<Body>,
) -> Result<http::Response<Body>, BoxError> {
    endpoints.resolve(&mut request, None)?;
    let headers = request.headers_mut();
    headers.insert("x-blaxel-authorization", key.parse()?);
    headers.insert("x-blaxel-workspace", workspace.parse()?);
    headers.insert("blaxel-version", ApiVersion::default().to_string().parse()?);
    // All of billing is read by requests without a body.
    let mut response = ureq::run(request.map(|_| ()))?;
    let text = response.body_mut().read_to_string()?;
    Ok(response.map(|_| Body::from(text)))
}
