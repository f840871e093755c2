package checks

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
)

// lists checks lists of the models of a new emulator: pages, orders, searches, versions.
func (s *suite) lists() {
	name := func(model blaxel.Model) string { return model.Metadata.Name }
	// walked returns the names of all models, and the sizes of the pages.
	walked := func(ctx context.Context, limit int64, sort blaxel.ModelListParamsSort) ([]string, []int) {
		query := blaxel.ModelListParams{Limit: blaxel.Int(limit), Sort: sort}
		models, sizes := walk(s.client.Models.List(ctx, query))
		return each(models, name), sizes
	}

	s.check("models: pages of two by name add up to the whole", func(ctx context.Context) {
		query := blaxel.ModelListParams{Sort: blaxel.ModelListParamsSortNameAsc}
		whole := good(s.client.Models.List(ctx, query))
		require(!whole.Meta.HasMore && whole.Meta.NextCursor == "", "%s", whole.Meta.RawJSON())
		names := each(whole.Data, name)
		require(slices.IsSorted(names), "%v", names)
		pages, sizes := walked(ctx, 2, blaxel.ModelListParamsSortNameAsc)
		equal(pages, names)
		equal(len(sizes), (len(names)+1)/2)
		require(len(sizes) > 2, "%d pages", len(sizes))
	})

	s.check("models: pages of three by name, downwards", func(ctx context.Context) {
		up, _ := walked(ctx, 200, blaxel.ModelListParamsSortNameAsc)
		down, _ := walked(ctx, 3, blaxel.ModelListParamsSortNameDesc)
		slices.Reverse(up)
		equal(down, up)
	})

	s.check("models: the newest come first unless asked otherwise", func(ctx context.Context) {
		page := good(s.client.Models.List(ctx, blaxel.ModelListParams{}))
		times := each(page.Data, func(model blaxel.Model) string { return model.Metadata.CreatedAt })
		slices.Reverse(times)
		require(slices.IsSorted(times), "%v", times)
		names, _ := walked(ctx, 2, "")
		upwards, _ := walked(ctx, 2, blaxel.ModelListParamsSortCreatedAtAsc)
		slices.Reverse(upwards)
		equal(names, upwards)
	})

	s.check("models: the SDK's iterator walks over page borders", func(ctx context.Context) {
		query := blaxel.ModelListParams{Limit: blaxel.Int(2), Sort: blaxel.ModelListParamsSortNameAsc}
		pager := s.client.Models.ListAutoPaging(ctx, query)
		var names []string
		for pager.Next() {
			names = append(names, name(pager.Current()))
		}
		succeeded(pager.Err())
		wanted, _ := walked(ctx, 200, blaxel.ModelListParamsSortNameAsc)
		equal(names, wanted)
		equal(pager.Index(), len(wanted))
	})

	s.check("models: a search finds what bears the text", func(ctx context.Context) {
		names, _ := walked(ctx, 200, blaxel.ModelListParamsSortNameAsc)
		query := blaxel.ModelListParams{Q: blaxel.String(strings.ToUpper(names[0]))}
		found := each(good(s.client.Models.List(ctx, query)).Data, name)
		require(slices.Contains(found, names[0]), "%v", found)
		query = blaxel.ModelListParams{Q: blaxel.String("nothing-is-called-so")}
		equal(len(good(s.client.Models.List(ctx, query)).Data), 0)
	})

	s.check("models: a cursor of another order is refused", func(ctx context.Context) {
		query := blaxel.ModelListParams{Limit: blaxel.Int(2), Sort: blaxel.ModelListParamsSortNameAsc}
		page := good(s.client.Models.List(ctx, query))
		require(page.Meta.HasMore, "%s", page.Meta.RawJSON())
		query.Cursor = blaxel.String(page.Meta.NextCursor)
		query.Sort = blaxel.ModelListParamsSortNameDesc
		refused(400, failed(s.client.Models.List(ctx, query)))
	})

	s.check("versions: the first one lists a bare array", func(ctx context.Context) {
		var list []json.RawMessage
		version := option.WithHeader("Blaxel-Version", "2026-04-16")
		succeeded(s.client.Get(ctx, "models", nil, &list, version, option.WithQuery("limit", "2")))
		names, _ := walked(ctx, 200, "")
		equal(len(list), len(names))
	})

	s.check("versions: one that does not exist is refused by name", func(ctx context.Context) {
		version := option.WithHeader("Blaxel-Version", "2020-02-02")
		found := response(400, failed(s.client.Models.List(ctx, blaxel.ModelListParams{}, version)))
		equal(objectOf(json.RawMessage(found.RawJSON()))["error"], any("invalid_api_version"))
	})
}
