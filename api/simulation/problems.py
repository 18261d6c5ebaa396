"""What is complained about in the demonstration, in both languages.

Every category of the first level has a grave problem (重大) and one that is not, so that grades
and categories can be mixed in any shares.
"""

from typing import Literal

import msgspec

from api.simulation.actors import Sector

Language = Literal["zh", "en"]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem as customers tell it; `{days}` and `{amount}` are filled in."""

    sector: Sector
    path: tuple[str, ...]
    model: str | None = None
    is_grave: bool = False  # 重大: safety, or a failure that hits many
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
        path=("服务态度", "推诿", "互相转接"),
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
        path=("数字化服务体验", "宽带", "大面积中断"),
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
        tags=("隐私", "批次"),
        remedy="explanation",
        zh=("刚下单就接到冒充客服的电话，对方知道我的订单内容，怀疑你们泄露了信息。",),
        en=("A fraudster rang me with the details of an order placed with you an hour before.",),
    ),
    Problem(
        sector="services",
        path=("服务态度", "沟通", "不回电话"),
        remedy="apology",
        zh=("说好当天回电，等了{days}天也没有人打来，再打过去又要从头讲一遍。",),
        en=("A call back was promised for the same day; {days} days later nobody has rung.",),
    ),
    Problem(
        sector="appliances",
        path=("服务态度", "上门服务", "威胁客户"),
        is_grave=True,
        tags=("安全",),
        remedy="apology",
        zh=("上门师傅与我争执后出言威胁，还推了老人一把，已经报警，要求严肃处理。",),
        en=("Your technician threatened us and pushed my mother. The police have been called.",),
    ),
    Problem(
        sector="services",
        path=("支付问题", "账户", "批量盗刷"),
        is_grave=True,
        tags=("盗刷", "批次"),
        remedy="refund",
        zh=("半夜账户被连续扣款{amount}元，同小区好几个人都一样，客服说没有异常！",),
        en=("My account was charged {amount} yuan at night, and so were those of my neighbours.",),
    ),
    Problem(
        sector="retail",
        path=("物流时效", "冷链", "药品断链"),
        is_grave=True,
        tags=("安全",),
        remedy="refund",
        zh=("需要冷藏的胰岛素常温运了{days}天才到，冰袋都化了，病人不敢用，谁来负责？",),
        en=("Insulin that has to be kept cold travelled for {days} days without any cooling.",),
    ),
    Problem(
        sector="appliances",
        path=("售后效率", "紧急报修", "燃气泄漏无人处理"),
        is_grave=True,
        tags=("安全",),
        remedy="repair",
        zh=("燃气灶漏气，报修{days}天没有人来，只能关着总阀，家里一直闻得到味道。",),
        en=("The gas cooker leaks; reported {days} days ago and still nobody has come.",),
    ),
    Problem(
        sector="retail",
        path=("价格", "结算", "批量多收款"),
        is_grave=True,
        tags=("批次",),
        remedy="refund",
        zh=("结算系统把优惠后的价格按原价收了{amount}元，群里几百人都被多收，要求全部退还。",),
        en=("Checkout ignored the discount, {amount} yuan too much, for hundreds of us at once.",),
    ),
    Problem(
        sector="services",
        path=("数据隐私", "账户", "无法注销"),
        remedy="service",
        zh=("注销账户要手持身份证拍照，提交{days}天还在审核，个人信息还在你们那里。",),
        en=("I asked to delete my account {days} days ago; it is still 'under review'.",),
    ),
    Problem(
        sector="appliances",
        path=("产品质量", "空调", "遥控说明不清"),
        model="KFR-35 变频",
        tags=("说明书",),
        remedy="explanation",
        zh=("说明书看不懂，怎么设定除湿都不行，翻遍了也没有视频。",),
        en=("The manual does not explain how to set the dehumidifier, and there is no video.",),
    ),
)
