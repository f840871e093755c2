//! The client credentials grant.

use blaxel_core::{BoxFuture, BoxService, Error, Source};

use super::client::{OAuthClient, describe_failure};
use super::identity::Identity;
use super::server::AuthorizationServer;
use super::token_response::{from_oauth2, read};
use crate::kind::CredentialKind;
use crate::token::{NewToken, TokenSource};

/// Client credentials, with the client that exchanges them for tokens.
#[derive(Clone)]
pub(crate) struct ClientGrant {
    client: OAuthClient,
    name: String,
}

impl ClientGrant {
    pub(crate) fn new(
        identity: Identity,
        source: &Source,
        server: AuthorizationServer,
        service: BoxService,
    ) -> Self {
        Self {
            client: OAuthClient::new(identity, server, service),
            name: format!("the {} ({source})", CredentialKind::ClientCredentials),
        }
    }

    async fn request(&self) -> Result<NewToken, Error> {
        let grants = self.client.grants()?;
        let response = grants
            .exchange_client_credentials()
            .request_async(&self.client)
            .await;
        Ok(read(&response.map_err(from_oauth2)?))
    }
}

impl TokenSource for ClientGrant {
    fn fetch(&self) -> BoxFuture<Result<NewToken, Error>> {
        let grant = self.clone();
        Box::pin(async move {
            let advice = "check the id and the secret; a retry will not help";
            grant
                .request()
                .await
                .map_err(|error| grant.client.explain(error, &grant.name, advice))
        })
    }

    fn describe(&self) -> String {
        describe_failure(self.client.server.host(), &self.name)
    }
}
