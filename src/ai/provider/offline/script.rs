//! The script: what is listened for, and what is said to it.
//!
//! A pattern's stars are numbered from the left; `{2}` in a reply is the second of them, turned round.

/// What is listened for. A sentence with it goes before one with a keyword of a lower rank.
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) rank: u8,
    /// The first that fits is taken.
    pub(super) patterns: &'static [Pattern],
}

#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) apart: &'static str,
    /// Taken in turn.
    pub(super) replies: &'static [&'static str],
}

const fn keyword(rank: u8, patterns: &'static [Pattern]) -> Keyword {
    Keyword { rank, patterns }
}

const fn pattern(apart: &'static str, replies: &'static [&'static str]) -> Pattern {
    Pattern { apart, replies }
}

/// How words are understood that are written in several ways.
pub(super) const SPELLED: &[(&str, &str)] = &[
    ("i'm", "i am"),
    ("im", "i am"),
    ("i've", "i have"),
    ("i'll", "i will"),
    ("i'd", "i would"),
    ("you're", "you are"),
    ("you've", "you have"),
    ("you'll", "you will"),
    ("it's", "it is"),
    ("that's", "that is"),
    ("what's", "what is"),
    ("who's", "who is"),
    ("dont", "don't"),
    ("cant", "can't"),
    ("cannot", "can't"),
    ("wont", "won't"),
    ("mum", "mother"),
    ("mom", "mother"),
    ("dad", "father"),
];

/// What is remembered for later: the last star.
pub(super) const REMEMBERED: &str = "* my *";

/// Said where nothing fits, and something is remembered.
pub(super) const FROM_MEMORY: &[&str] = &[
    "Earlier you spoke of something else: your {1}. What about that?",
    "Does this have to do with your {1}?",
    "Let us go back for a moment: your {1}.",
];

/// Said where nothing fits.
pub(super) const DEFAULTS: &[&str] = &[
    "Please go on.",
    "What does that bring to your mind?",
    "I am not sure I follow. Can you put it in another way?",
    "Can you give me an example?",
    "How long has that been on your mind?",
];

pub(super) const SCRIPT: &[Keyword] = &[
    keyword(
        9,
        &[
            pattern(
                "* what can|could you do *",
                &[
                    "I listen, and I ask. I am a small conversationalist after the manner of ELIZA: I need no network, and I \
             answer the same to the same. For answers that know something, give this bot a provider with a model.",
                ],
            ),
            pattern(
                "* who|what are you *",
                &[
                    "I am the conversationalist that is built in: a few rules and much patience. But let us talk of you.",
                ],
            ),
            pattern(
                "help|/help|/start",
                &["Just tell me what is on your mind. I listen, and I ask."],
            ),
        ],
    ),
    keyword(
        8,
        &[pattern(
            "* thanks|thank *",
            &["You are welcome.", "Not at all. Is there anything else?"],
        )],
    ),
    keyword(
        8,
        &[pattern(
            "* bye|goodbye *",
            &["Goodbye. It was good to talk to you.", "Until next time."],
        )],
    ),
    keyword(
        1,
        &[
            pattern(
                "* hello|hi|hey|greetings *",
                &[
                    "Hello. What is on your mind?",
                    "Hello again. Where were we?",
                ],
            ),
            pattern(
                "* good morning|evening|afternoon|day *",
                &["And to you. What is on your mind?"],
            ),
        ],
    ),
    keyword(
        7,
        &[pattern(
            "* computer|computers|machine|machines|bot|bots|robot *",
            &[
                "Do machines worry you?",
                "What do you think machines have to do with it?",
                "I am one of them, and I do not mind. What is it about them?",
            ],
        )],
    ),
    keyword(
        6,
        &[
            pattern(
                "* i remember *",
                &[
                    "Do you often think of {2}?",
                    "What else do you remember?",
                    "Why does {2} come back to you just now?",
                ],
            ),
            pattern(
                "* do you remember *",
                &["Should I have forgotten {2}?", "What about {2}?"],
            ),
        ],
    ),
    keyword(
        5,
        &[pattern(
            "* if *",
            &[
                "Do you think it is likely that {2}?",
                "What would you do if {2}?",
                "Do you wish that {2}?",
            ],
        )],
    ),
    keyword(
        5,
        &[
            pattern(
                "* i dreamed|dreamt *",
                &[
                    "Have you ever imagined {2} while you were awake?",
                    "What does {2} mean to you?",
                ],
            ),
            pattern(
                "* dream|dreams *",
                &[
                    "Who appears in your dreams?",
                    "Do you believe that dreams mean something?",
                ],
            ),
        ],
    ),
    keyword(
        4,
        &[
            pattern(
                "* my * mother|father|sister|brother|wife|husband|child|son|daughter *",
                &[
                    "Tell me more about your family.",
                    "Who else in your family is there?",
                ],
            ),
            pattern(
                "* my mother *",
                &[
                    "Tell me more about your mother.",
                    "What is she like, your mother?",
                ],
            ),
            pattern(
                "* my father *",
                &[
                    "Tell me more about your father.",
                    "What comes to mind when you think of him?",
                ],
            ),
        ],
    ),
    keyword(
        4,
        &[
            pattern(
                "* i want|need *",
                &[
                    "What would it mean to you to get {2}?",
                    "Why do you want {2}?",
                    "Suppose you soon had {2}. What then?",
                ],
            ),
            pattern(
                "* i am sad|unhappy|depressed|tired|afraid|worried|lonely|angry *",
                &[
                    "I am sorry to hear it. How long have you felt so?",
                    "Can you say what makes you feel so?",
                ],
            ),
            pattern(
                "* i am happy|glad|better *",
                &[
                    "What has helped you to that?",
                    "Good to hear. What makes it so just now?",
                ],
            ),
            pattern(
                "* i am *",
                &[
                    "Is it because you are {2} that you came to me?",
                    "How long have you been {2}?",
                    "Do you think it is normal to be {2}?",
                ],
            ),
            pattern(
                "* i can't *",
                &["How do you know that you can't {2}?", "Have you tried?"],
            ),
            pattern(
                "* i don't *",
                &["Don't you really {2}?", "Why don't you {2}?"],
            ),
            pattern(
                "* i feel *",
                &[
                    "Tell me more about such feelings.",
                    "Do you often feel {2}?",
                ],
            ),
            pattern(
                "* i think|believe *",
                &["Do you really think {2}?", "But you are not sure {2}?"],
            ),
            pattern(
                "* i have *",
                &[
                    "How long have you had {2}?",
                    "What does it mean to you that you have {2}?",
                ],
            ),
        ],
    ),
    keyword(
        3,
        &[
            pattern(
                "* are you *",
                &[
                    "Why does it matter to you whether I am {2}?",
                    "Would you like it better if I were not {2}?",
                ],
            ),
            pattern(
                "* you are *",
                &[
                    "What makes you think that I am {2}?",
                    "Does it please you to believe that I am {2}?",
                ],
            ),
            pattern(
                "* can|could you *",
                &[
                    "What if I could {2}?",
                    "Perhaps you would like to be able to {2} yourself.",
                ],
            ),
            pattern(
                "* you * me *",
                &[
                    "Why do you think that I {2} you?",
                    "You like to think that I {2} you, don't you?",
                ],
            ),
        ],
    ),
    keyword(
        3,
        &[pattern(
            "* because *",
            &[
                "Is that the real reason?",
                "What other reasons might there be?",
            ],
        )],
    ),
    keyword(
        3,
        &[
            pattern(
                "* always *",
                &["Can you think of a particular time?", "Really always?"],
            ),
            pattern(
                "* everybody|everyone|nobody *",
                &[
                    "Can you think of somebody in particular?",
                    "All of them, without exception?",
                ],
            ),
        ],
    ),
    keyword(
        2,
        &[pattern(
            "* my *",
            &[
                "Your {2}?",
                "Why do you say your {2}?",
                "Who else has to do with your {2}?",
            ],
        )],
    ),
    keyword(
        2,
        &[
            pattern(
                "* why *",
                &[
                    "What answer would please you most?",
                    "What do you think yourself?",
                ],
            ),
            pattern(
                "* what|how|when|where|who *",
                &[
                    "Why do you ask?",
                    "What do you think?",
                    "Does that question interest you?",
                ],
            ),
        ],
    ),
    keyword(
        1,
        &[
            pattern("yes *", &["You seem quite sure.", "I see. Go on."]),
            pattern("no *", &["Why not?", "You are saying no just to be sure?"]),
            pattern(
                "* perhaps|maybe *",
                &[
                    "You do not seem quite certain.",
                    "What would make you sure?",
                ],
            ),
            pattern(
                "* sorry *",
                &[
                    "There is no need to be sorry.",
                    "What do you feel when you say that you are sorry?",
                ],
            ),
        ],
    ),
];
