package checks

import (
	"context"
	"net/http"
	"slices"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
)

// images checks images: registration, builds from an upload, use, shares, deletion.
func (s *suite) images() {
	const sandboxes = "sandbox"
	name := s.prefix + "-base"
	images := &s.client.Images
	get := func(ctx context.Context, name string) (*blaxel.Image, error) {
		return images.Get(ctx, name, blaxel.ImageGetParams{ResourceType: sandboxes})
	}
	remove := func(ctx context.Context, name string) (*blaxel.Image, error) {
		return images.Delete(ctx, name, blaxel.ImageDeleteParams{ResourceType: sandboxes})
	}
	tags := func(image *blaxel.Image) []string {
		names := each(image.Spec.Tags, func(tag blaxel.ImageSpecTag) string { return tag.Name })
		slices.Sort(names)
		return names
	}

	s.check("image: two tags of one are registered and listed", func(ctx context.Context) {
		for _, tag := range []string{"1", "2"} {
			made := good(images.New(ctx, blaxel.ImageNewParams{
				Name:         name,
				ResourceType: sandboxes,
				Image:        blaxel.String("registry/" + name + ":" + tag),
			}))
			equal(made.Name, name)
		}
		found := slices.DeleteFunc(*good(images.List(ctx)), func(image blaxel.Image) bool {
			return image.Metadata.Name != name
		})
		equal(len(found), 1)
		equal(tags(&found[0]), []string{"1", "2"})
		equal(good(get(ctx, name)).RawJSON(), found[0].RawJSON())
	})

	s.check("image: one is built from what is uploaded", func(ctx context.Context) {
		var answer *http.Response
		// The SDK has no parameter for the upload.
		good(images.New(ctx, blaxel.ImageNewParams{Name: name + "-built", ResourceType: sandboxes},
			option.WithQuery("upload", "true"), option.WithResponseInto(&answer)))
		upload(ctx, answer, "application/zip")
		var states []blaxel.Status
		until(ctx, func() bool {
			states = append(states, good(get(ctx, name+"-built")).Metadata.Status)
			return states[len(states)-1] == blaxel.StatusBuilt
		})
		equal(slices.Compact(states), []blaxel.Status{blaxel.StatusBuilding, blaxel.StatusBuilt})
		good(remove(ctx, name+"-built"))
	})

	s.check("image: one that is used stays", func(ctx context.Context) {
		params := sandboxNamed(name + "-user")
		params.Sandbox.Spec.Runtime.Image = blaxel.String(sandboxes + "/" + name + ":1")
		sandbox := good(s.client.Sandboxes.NewInstance(ctx, params))
		tag := blaxel.ImageTagDeleteParams{ResourceType: sandboxes, ImageName: name}
		refused(400, failed(remove(ctx, name)))
		refused(400, failed(images.Tags.Delete(ctx, "1", tag)))
		good(images.Tags.Delete(ctx, "2", tag))
		equal(tags(good(get(ctx, name))), []string{"1"})
		succeeded(sandbox.Delete(ctx))
	})

	s.check("image: it is offered to another account, and the offer taken back", func(ctx context.Context) {
		offer := blaxel.ImageShareNewParams{
			ResourceType:    sandboxes,
			TargetWorkspace: "elsewhere",
			TargetAccountID: blaxel.String("acc-interop"),
		}
		var answer *http.Response
		good(images.Share.New(ctx, name, offer, option.WithResponseInto(&answer)))
		equal(answer.StatusCode, 202)
		refused(409, failed(images.Share.New(ctx, name, offer)))
		query := blaxel.ImageShareListParams{ResourceType: sandboxes}
		shares := *good(images.Share.List(ctx, name, query))
		equal(len(shares), 1)
		equal([]string{shares[0].Workspace, shares[0].Status}, []string{"elsewhere", "pending"})
		pending := *good(s.client.PendingImageShares.Pending.List(ctx, blaxel.PendingImageSharePendingListParams{
			Direction: blaxel.PendingImageSharePendingListParamsDirectionOutgoing,
		}))
		require(slices.ContainsFunc(pending, func(one blaxel.PendingImageSharePendingListResponse) bool {
			return one.ID == shares[0].PendingShareID && one.ImageName == name
		}), "%v", pending)
		good(images.Share.Delete(ctx, "elsewhere", blaxel.ImageShareDeleteParams{
			ResourceType: sandboxes, ImageName: name,
		}))
		equal(len(*good(images.Share.List(ctx, name, query))), 0)
	})

	s.check("image: delete, and nothing is there after it", func(ctx context.Context) {
		equal(good(remove(ctx, name)).Metadata.Name, name)
		refused(404, failed(get(ctx, name)))
		refused(404, failed(remove(ctx, name)))
		refused(400, failed(images.New(ctx, blaxel.ImageNewParams{Name: "Not A Name", ResourceType: sandboxes})))
		refused(400, failed(images.New(ctx, blaxel.ImageNewParams{Name: name, ResourceType: "kite"})))
	})
}
