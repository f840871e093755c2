package checks

import (
	"context"
	"slices"
	"strings"

	blaxel "github.com/blaxel-ai/sdk-go"
)

// governance checks policies, integration connections, VPCs and addresses.
func (s *suite) governance() {
	// createModel creates a model with this specification besides its runtime.
	createModel := func(ctx context.Context, name string, spec blaxel.ModelSpecParam) {
		spec.Runtime = blaxel.ModelRuntimeParam{
			Type: blaxel.ModelRuntimeTypeOpenAI, Model: blaxel.String("gpt-4o"),
		}
		good(s.client.Models.New(ctx, blaxel.ModelNewParams{Model: blaxel.ModelParam{
			Metadata: blaxel.MetadataParam{Name: name}, Spec: spec,
		}}))
	}

	s.check("policy: what is under it is counted and named", func(ctx context.Context) {
		name := s.prefix + "-policy"
		good(s.client.Policies.New(ctx, blaxel.PolicyNewParams{Policy: blaxel.PolicyParam{
			Metadata: blaxel.MetadataParam{Name: name},
			Spec: blaxel.PolicySpecParam{
				Type:          blaxel.PolicySpecTypeMaxToken,
				ResourceTypes: []string{"model"},
				MaxTokens:     blaxel.PolicyMaxTokensParam{Total: blaxel.Int(1000)},
			},
		}}))
		createModel(ctx, name, blaxel.ModelSpecParam{Policies: []string{name}})
		equal(good(s.client.Policies.Get(ctx, name)).Usage.Models, 1)
		// The SDK expects documents instead of names, so the body is read.
		usages := good(s.client.Policies.ListUsages(ctx, name))
		equal(members(*usages)["models"], any([]any{name}))
		good(s.client.Models.Delete(ctx, name))
		equal(good(s.client.Policies.Get(ctx, name)).Usage.Models, 0)
		good(s.client.Policies.Delete(ctx, name))
		refused(404, failed(s.client.Policies.ListUsages(ctx, name)))
	})

	s.check("integration connection: its secrets are masked, and it stays while it is used", func(ctx context.Context) {
		name := s.prefix + "-connection"
		connections := &s.client.Integrations.Connections
		made := good(connections.New(ctx, blaxel.IntegrationConnectionNewParams{
			IntegrationConnection: blaxel.IntegrationConnectionParam{
				Metadata: blaxel.MetadataParam{Name: name},
				Spec: blaxel.IntegrationConnectionSpecParam{
					Integration: blaxel.String("openai"),
					Secret:      map[string]string{"apiKey": "sk-interop"},
				},
			},
		}))
		require(made.Spec.Secret["apiKey"] != "", "the secret is gone")
		require(!strings.Contains(made.RawJSON(), "sk-interop"), "the secret is shown")
		createModel(ctx, name, blaxel.ModelSpecParam{IntegrationConnections: []string{name}})
		refused(409, failed(connections.Delete(ctx, name)))
		good(s.client.Models.Delete(ctx, name))
		good(connections.Delete(ctx, name))
	})

	s.check("private cloud: gateways and addresses are made in it, and told of everywhere", func(ctx context.Context) {
		vpc := s.prefix + "-vpc"
		good(s.client.Vpcs.New(ctx, blaxel.VpcNewParams{
			Metadata: blaxel.MetadataParam{Name: vpc}, Spec: map[string]any{},
		}))
		gateways := &s.client.Vpcs.Egressgateways
		gate := blaxel.VpcEgressgatewayNewParams{
			Metadata: blaxel.EgressGatewayMetadataParam{Name: "gate"},
			Spec:     blaxel.EgressGatewaySpecParam{Region: region},
		}
		made := good(gateways.New(ctx, vpc, gate))
		equal(made.Metadata.VpcName, vpc)
		refused(409, failed(gateways.New(ctx, vpc, gate)))

		ips := &gateways.IPs
		address := good(ips.Allocate(ctx, "gate", blaxel.VpcEgressgatewayIPAllocateParams{
			VpcName:  vpc,
			Metadata: blaxel.EgressIPMetadataParam{Name: "first"},
			Spec:     blaxel.EgressIPSpecParam{IPFamily: blaxel.EgressIPSpecIPFamilyIPv4},
		}))
		equal(address.Metadata.GatewayName, "gate")
		listed := *good(ips.List(ctx, "gate", blaxel.VpcEgressgatewayIPListParams{VpcName: vpc}))
		equal(len(listed), 1)
		equal(listed[0].RawJSON(), address.RawJSON())
		in := blaxel.VpcEgressgatewayIPGetParams{VpcName: vpc, GatewayName: "gate"}
		found := good(ips.Get(ctx, "first", in))
		equal(found.RawJSON(), address.RawJSON())

		isGate := func(one blaxel.EgressgatewayListResponse) bool {
			return one.Metadata.VpcName == vpc && one.Metadata.Name == "gate"
		}
		everywhere := *good(s.client.Egressgateways.List(ctx))
		require(slices.ContainsFunc(everywhere, isGate), "the gateway is not listed")
		isFirst := func(one blaxel.EgressipListResponse) bool {
			return one.Metadata.VpcName == vpc && one.Metadata.Name == "first"
		}
		addresses := *good(s.client.Egressips.List(ctx))
		require(slices.ContainsFunc(addresses, isFirst), "the address is not listed")

		good(ips.Delete(ctx, "first", blaxel.VpcEgressgatewayIPDeleteParams{VpcName: vpc, GatewayName: "gate"}))
		good(gateways.Delete(ctx, "gate", blaxel.VpcEgressgatewayDeleteParams{VpcName: vpc}))
		refused(404, failed(gateways.Get(ctx, "gate", blaxel.VpcEgressgatewayGetParams{VpcName: vpc})))
		good(s.client.Vpcs.Delete(ctx, vpc))
		refused(404, failed(gateways.List(ctx, vpc)))
	})
}
