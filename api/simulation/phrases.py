"""What people write down in the demonstration, in both languages."""

from api.simulation.problems import Language

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
    "wants_more": {
        "zh": "要求三倍赔偿，不接受维修。",
        "en": "Asks for three times the price and does not want the repair.",
    },
    "asked_for_photo": {
        "zh": "请客户补充铭牌照片。",
        "en": "Asked the customer for a picture of the type plate.",
    },
    "photo": {"zh": "铭牌及故障部位照片。", "en": "A picture of the type plate and of the fault."},
    "photo_sent": {"zh": "客户已发来照片。", "en": "The customer has sent the picture."},
    "task": {"zh": "请调取设备日志并分析原因。", "en": "Please read the log and find the cause."},
    "task_done": {"zh": "日志显示传感器故障。", "en": "The log shows a faulty sensor."},
    "finding": {
        "zh": "传感器批次缺陷，属质量问题。",
        "en": "A defect of the sensor batch; the customer is right.",
    },
    "containment": {
        "zh": "已通知客户断电停用，并安排当日上门检查。",
        "en": "The customer was told to stop using it; somebody comes today.",
    },
    "voucher_call": {"zh": "客户不接受优惠券。", "en": "The customer does not want a voucher."},
    "decision_call": {
        "zh": "告知客户最终决定、理由及外部救济途径。",
        "en": "Told the customer the decision, the reasons and where else to turn.",
    },
    "decision": {
        "zh": "已按三包规定免费维修，三倍赔偿没有依据。",
        "en": "It was repaired free of charge; there is no basis for more.",
    },
    "reported_to_body": {
        "zh": "已将处理结果反馈消费者协会。",
        "en": "The association was told what came of it.",
    },
    "reminder": {"zh": "请尽快处理并反馈进展。", "en": "Please move on and report back."},
    # what is offered
    "refund": {"zh": "退还相应款项。", "en": "Refund of the amount."},
    "repair": {"zh": "免费上门维修。", "en": "Free repair at your home."},
    "replacement": {"zh": "更换新品，运费由我方承担。", "en": "Replacement at our cost."},
    "voucher": {"zh": "赠送优惠券一张。", "en": "A voucher."},
    "compensation": {"zh": "补偿误工及交通费用。", "en": "Compensation for time and travel."},
    "apology": {"zh": "书面道歉并由专人跟进。", "en": "A letter of apology and a contact person."},
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
    "too_much": {"zh": "超出补偿标准。", "en": "Beyond what our policy allows."},
    "cannot_be_repaired": {"zh": "配件停产，无法维修。", "en": "The part is no longer made."},
    "mediated": {
        "zh": "消费者协会调解达成一致。",
        "en": "Settled by mediation of the consumers' association.",
    },
    "unanswered": {"zh": "最终答复后三十天未再反馈。", "en": "No answer for thirty days."},
    "wrong_paper": {"zh": "误传他人材料。", "en": "This paper belongs to somebody else."},
    "asked_before": {"zh": "此前报修未解决。", "en": "An earlier request was left undone."},
    "same_matter": {"zh": "同一客户同一问题重复登记。", "en": "Registered twice."},
    "card_given_up": {"zh": "客户已更换会员卡。", "en": "The customer has a new card."},
    "another_matter": {"zh": "复核后为另一问题。", "en": "It is another matter after all."},
    "appointment_with_customer": {
        "zh": "客户要求改约上门时间。",
        "en": "The customer asked for another appointment.",
    },
    "stuck": {"zh": "超过一天无进展。", "en": "No progress for more than a day."},
    "same_person": {"zh": "核实为同一客户。", "en": "Both are the same person."},
    "two_people": {"zh": "核实为两位客户。", "en": "They are two people after all."},
}
