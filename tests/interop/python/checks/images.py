"""Images: registration, short lists, use, shares, deletion."""

from blaxel.core import SandboxInstance, client
from blaxel.core.client.api.images import (
    create_image,
    delete_image,
    delete_image_tag,
    get_image,
    list_image_shares,
    list_pending_image_shares,
    share_image,
    unshare_image,
)
from blaxel.core.client.models import (
    CreateImageBody,
    Image,
    ListPendingImageSharesDirection,
    PendingImageShare,
    ShareImageBody,
)
from blaxel.core.image import ImageInstance

from .harness import PREFIX, REGION, check, equal, good, name_of, refused

NAME = f"{PREFIX}-base"


@check("image: some are registered, and listed in short by pages")
async def _():
    names = [NAME, f"{NAME}-b", f"{NAME}-a"]
    for name in names:
        for tag in "12":
            image = f"registry/{name}:{tag}"
            body = CreateImageBody(name=name, resource_type="sandbox", image=image)
            equal(create_image.sync(client=client, body=body).name, name)
    page = ImageInstance.list(q=NAME, limit=2)
    equal(len(page), 2)
    found = list(page.auto_paging_iter())
    equal([name_of(image) for image in found], sorted(names))
    equal([image.spec.tag_count for image in found], [2, 2, 2])
    same = [image async for image in (await ImageInstance.list_async(q=NAME)).auto_paging_iter()]
    equal([name_of(image) for image in same], sorted(names))
    for name in names[1:]:
        good(delete_image.sync("sandbox", name, client=client), Image)


@check("image: its tags are listed by pages")
def _():
    page = ImageInstance.list_tags("sandbox", NAME, limit=1)
    equal([tag.name for tag in page], ["1"])
    equal([tag.name for tag in page.auto_paging_iter()], ["1", "2"])
    equal([tag.name for tag in ImageInstance.list_tags("sandbox", NAME, name="2")], ["2"])


@check("image: one that is used stays")
async def _():
    image = f"sandbox/{NAME}:1"
    user = await SandboxInstance.create({"name": f"{NAME}-user", "region": REGION, "image": image})
    refused(400, delete_image, "sandbox", NAME)
    refused(400, delete_image_tag, "sandbox", NAME, "1")
    delete_image_tag.sync("sandbox", NAME, "2", client=client)
    equal([tag.name for tag in ImageInstance.list_tags("sandbox", NAME)], ["1"])
    await user.delete()


@check("image: it is offered to another account, and the offer taken back")
def _():
    body = ShareImageBody(target_workspace="elsewhere", target_account_id="acc-interop")
    offer = share_image.sync("sandbox", NAME, client=client, body=body)
    equal(good(offer, PendingImageShare).image_name, NAME)
    refused(409, share_image, "sandbox", NAME, body=body)
    shares = list_image_shares.sync("sandbox", NAME, client=client)
    equal([(share.workspace, str(share.status)) for share in shares], [("elsewhere", "pending")])
    outgoing = ListPendingImageSharesDirection.OUTGOING
    pending = list_pending_image_shares.sync(client=client, direction=outgoing)
    assert offer.id in [share.id for share in pending], pending
    unshare_image.sync("sandbox", NAME, "elsewhere", client=client)
    equal(list_image_shares.sync("sandbox", NAME, client=client), [])


@check("image: delete, and nothing is there after it")
def _():
    equal(name_of(good(delete_image.sync("sandbox", NAME, client=client), Image)), NAME)
    refused(404, get_image, "sandbox", NAME)
    refused(404, delete_image, "sandbox", NAME)
    refused(400, create_image, body={"name": "Not A Name", "resourceType": "sandbox"})
    refused(400, create_image, body={"name": NAME, "resourceType": "kite"})
