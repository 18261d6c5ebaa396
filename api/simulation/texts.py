"""What is complained about in the demonstration, and what people write down, in both languages."""

from typing import Literal

import msgspec

from api.simulation.actors import Sector

Language = Literal["zh", "en"]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem as customers tell it; `{days}` and `{amount}` are filled in."""

    sector: Sector
    path: tuple[str, ...]
    model: str | None = None
    is_grave: bool = False
    tags: tuple[str, ...] = ()
    remedy: str = "replacement"  # what customers ask for
    zh: tuple[str, ...]
    en: tuple[str, ...]


PROBLEMS: tuple[Problem, ...] = (
    Problem(
        sector="retail",
        path=("物流时效", "配送延误", "超过承诺日期"),
        tags=("物流",),
        remedy="delivery",
        zh=(
            "下单时承诺次日达，现在已经过去{days}天，物流一直停在分拨中心，客服每次都说再等等。",
            "给孩子买的开学用品{days}天了还没到，页面还显示“派送中”，打电话没人接。",
        ),
        en=(
            "Next-day delivery was promised; {days} days later the parcel has not left the depot.",
            "The order has been 'out for delivery' for {days} days and nobody picks up the phone.",
        ),
    ),
    Problem(
        sector="retail",
        path=("产品质量", "商品与描述不符", "发错型号"),
        model="咖啡机 M2",
        zh=(
            "我买的是双锅炉款咖啡机，收到的是单锅炉款，要求换货，不想自己出运费。",
            "收到的货和网页图片不一样，颜色、型号都不对，已经拍照留存，请尽快换货。",
        ),
        en=(
            "I ordered the dual-boiler machine and received the single-boiler one. Please swap it.",
        ),
    ),
    Problem(
        sector="retail",
        path=("支付问题", "退款", "退款未到账"),
        tags=("退款",),
        remedy="refund",
        zh=(
            "退货已经签收{days}天，{amount}元退款还没有到账，银行说没有收到任何款项。",
            "取消订单后一直不退款，金额{amount}元，客服让我等七个工作日，早就过了。",
        ),
        en=(
            "You received my return {days} days ago; the refund of {amount} yuan is still missing.",
        ),
    ),
    Problem(
        sector="retail",
        path=("产品质量", "食品", "变质"),
        is_grave=True,
        tags=("安全",),
        remedy="refund",
        zh=("刚开封的酸奶有霉味，老人吃了以后腹泻去了医院，生产日期还在保质期内，要求说明原因。",),
        en=("The yoghurt was mouldy within its date and my mother had to see a doctor.",),
    ),
    Problem(
        sector="appliances",
        path=("产品质量", "空调", "不制冷"),
        model="KFR-35 变频",
        tags=("空调",),
        remedy="repair",
        zh=(
            "新装的空调用了{days}天就不制冷，外机不转，家里有老人，天气很热，请尽快上门。",
            "空调报修两次了，师傅加了氟，{days}天后又不制冷，要求更换整机。",
        ),
        en=("The new air conditioner stopped cooling after {days} days; the fan is silent.",),
    ),
    Problem(
        sector="appliances",
        path=("产品质量", "洗衣机", "漏水"),
        model="XQG100",
        remedy="repair",
        zh=(
            "洗衣机脱水时漏水，地板已经泡坏一块，报修{days}天没有人上门。",
            "滚筒洗衣机门封漏水，买了不到一年，希望免费更换。",
        ),
        en=("The washing machine leaks while spinning and has damaged the floor.",),
    ),
    Problem(
        sector="appliances",
        path=("售后效率", "上门维修", "爽约"),
        remedy="service",
        zh=("约好上午上门，等了一天没有人来，也没有电话，这已经是第二次了，请给个说法。",),
        en=("The technician missed the second appointment in a row, without as much as a call.",),
    ),
    Problem(
        sector="appliances",
        path=("产品质量", "热水器", "漏电"),
        model="DSZF-60",
        is_grave=True,
        tags=("安全", "漏电"),
        zh=("洗澡时手碰到水龙头有麻电感，已经断电不敢用，家里有小孩，请马上派人检查！",),
        en=("I felt an electric shock from the tap of the water heater. We have children here!",),
    ),
    Problem(
        sector="appliances",
        path=("产品质量", "电饭煲", "冒烟"),
        model="FB-40",
        is_grave=True,
        tags=("安全",),
        zh=("电饭煲煮饭时底部冒烟，插头烧黑了，差点起火，要求退货并说明原因。",),
        en=("The rice cooker gave off smoke and the plug is burnt. It nearly caught fire.",),
    ),
    Problem(
        sector="cars",
        path=("产品质量", "制动", "异响与失灵"),
        model="E5 2025款",
        is_grave=True,
        tags=("安全", "批次"),
        remedy="repair",
        zh=("高速上踩刹车第一下没有反应，第二下才有，4S店说没有故障码就让开走，我不敢再开了。",),
        en=(
            "The brake pedal did not respond on the motorway; the dealer sent me home regardless.",
        ),
    ),
    Problem(
        sector="cars",
        path=("产品质量", "车机", "黑屏死机"),
        model="E5 2025款",
        remedy="repair",
        zh=(
            "车机导航途中黑屏，{days}天里出现了四次，升级过系统也没有用。",
            "倒车影像经常黑屏，店里说等新版本，等了{days}天没有消息。",
        ),
        en=("The centre display went black four times in {days} days, despite the update.",),
    ),
    Problem(
        sector="cars",
        path=("价格", "维修收费", "未告知收费"),
        remedy="refund",
        zh=("做一次保养被加了{amount}元的项目，事先没有告诉我，要求退还多收的钱。",),
        en=("The garage added {amount} yuan of work to the service without asking me first.",),
    ),
    Problem(
        sector="cars",
        path=("售后效率", "配件", "缺货等待"),
        remedy="service",
        zh=("事故维修等配件等了{days}天，一直说在途，每天打车上班，要求提供代步车。",),
        en=("My car has been waiting {days} days for a spare part. I need a replacement car.",),
    ),
    Problem(
        sector="services",
        path=("服务体验", "服务态度", "推诿"),
        remedy="apology",
        zh=(
            "打了三次电话，每次都转给别的部门，最后一位直接挂断，我要一个道歉。",
            "营业厅的人态度很差，说“不满意就去投诉”，那我就来投诉了。",
        ),
        en=("I was passed on three times and then cut off. I expect an apology.",),
    ),
    Problem(
        sector="services",
        path=("支付问题", "会员", "自动续费"),
        tags=("续费",),
        remedy="refund",
        zh=("会员已经取消，还是被自动续费{amount}元，页面上根本找不到关闭的地方，要求全额退款。",),
        en=("I cancelled the membership and was charged {amount} yuan all the same.",),
    ),
    Problem(
        sector="services",
        path=("数字化服务体验", "虚拟服务", "机器人答非所问"),
        remedy="service",
        zh=("在线机器人绕了半小时都听不懂我的问题，也没有转人工的入口，太浪费时间了。",),
        en=(
            "The chat bot went in circles for half an hour and there was no way to reach a person.",
        ),
    ),
    Problem(
        sector="services",
        path=("服务体验", "宽带", "大面积中断"),
        is_grave=True,
        tags=("中断",),
        remedy="compensation",
        zh=("整个小区宽带断了{days}天，孩子上网课、我在家办公都不行，报修热线一直占线。",),
        en=("The whole block has been without internet for {days} days and the hotline is busy.",),
    ),
    Problem(
        sector="services",
        path=("数据隐私", "账户安全", "信息泄露"),
        is_grave=True,
        tags=("隐私",),
        remedy="explanation",
        zh=("刚下单就接到冒充客服的电话，对方知道我的订单内容，怀疑你们泄露了信息。",),
        en=("A fraudster rang me with the details of an order placed with you an hour before.",),
    ),
)

PHRASES: dict[str, dict[Language, str]] = {
    "first_call": {
        "zh": "已致电客户，致歉并说明处理步骤。",
        "en": "Called, apologised and explained the next steps.",
    },
    "problem_call": {
        "zh": "与客户逐项核对问题，客户确认无误。",
        "en": "Went through the problem with the customer, who agrees.",
    },
    "remedy_call": {
        "zh": "说明处理方案，客户同意。",
        "en": "Explained what we offer; the customer accepts.",
    },
    "follow_up_call": {
        "zh": "回访：客户确认问题已解决。",
        "en": "Follow-up: the customer confirms that it is solved.",
    },
    "chasing_call": {
        "zh": "客户来电询问进度。",
        "en": "The customer asks how far we are.",
    },
    "withdrawal_call": {
        "zh": "客户来电表示问题已自行解决，要求撤诉。",
        "en": "The customer has found the fault themselves and takes the complaint back.",
    },
    "dispute_call": {
        "zh": "客户来电表示问题再次出现，不认可处理结果。",
        "en": "The problem is back; the customer does not accept the resolution.",
    },
    "notice": {
        "zh": "已发送书面通知：多次联系未果，如有异议请回复。",
        "en": "Written notice sent: we could not reach you; reply if you disagree.",
    },
    "resolved": {
        "zh": "已按方案处理完毕，待回访确认。",
        "en": "Done as agreed; to be confirmed with the customer.",
    },
    "still_broken": {
        "zh": "修好两天又坏了，问题没有解决。",
        "en": "It broke again two days later; nothing is solved.",
    },
    "pleased": {"zh": "处理及时，态度很好。", "en": "Quick and friendly."},
    "displeased": {"zh": "等得太久，中间没人联系我。", "en": "Took too long and nobody called me."},
    "recourse": {
        "zh": "如有异议，可拨打 12315 或向消费者协会反映。",
        "en": "If you disagree, you may turn to 12315 or the consumers' association.",
    },
    # what is offered
    "refund": {"zh": "退还相应款项。", "en": "Refund of the amount."},
    "repair": {"zh": "免费上门维修。", "en": "Free repair at your home."},
    "replacement": {"zh": "更换新品，运费由我方承担。", "en": "Replacement at our cost."},
    "voucher": {"zh": "赠送优惠券一张。", "en": "A voucher."},
    # reason codes
    "other_unit": {"zh": "不属于本部门职责，请转派。", "en": "This belongs to another unit."},
    "new_facts": {"zh": "客户补充了新情况，重新定级。", "en": "New facts from the customer."},
    "overrated": {"zh": "复核后未发现安全隐患，下调等级。", "en": "No hazard was found on review."},
    "mistyped": {"zh": "登记时录入错误。", "en": "Mistyped at the registration."},
    "not_ours": {"zh": "该商品非我方销售，不予受理。", "en": "The goods were not sold by us."},
    "enquiry_only": {"zh": "客户仅咨询使用方法，并非投诉。", "en": "A question, not a complaint."},
    "no_longer_wanted": {"zh": "客户主动撤诉。", "en": "The customer takes it back."},
    "no_answer": {"zh": "多次联系未果。", "en": "Could not be reached."},
    "came_back": {"zh": "客户反映问题再次出现。", "en": "The customer says it is back."},
    "appealed": {"zh": "客户补充购买凭证，重新处理。", "en": "Proof of purchase came in."},
}
