/* SPDX-License-Identifier: MIT */
/*
 * notes.pml - a part of gone.pml: the notes that servers and calls have, and
 * that a port hands to its servers.
 */

/* --- notes ---------------------------------------------------------------- */

inline note_new(n)
{
	CHECK(leaked, !(used[1] && used[2] && used[3] && used[4] && used[5]));
	do
	:: used[n] || n == NONE -> n++
	:: else -> break
	od;
	used[n] = true
}

/* remote_free, of a note that no other process reaches, or of none */
inline free(n)
{
	if
	:: n != NONE ->
		CHECK(freed_twice, used[n] && !noted[n]);
		if
		:: named[n] -> CHECK(wrong_count, refs > 0); refs--
		:: else
		fi;
		used[n] = false;
		named[n] = false;
		token[n] = NONE;
		n = NONE
	:: else
	fi
}

/* `n` stays if there is no server to be told. */
inline tell(n)
{
	CHECK(used_free, used[n] && !noted[n]);
	if
	:: is_served ->
		CHECK(told_of_an_answered, !answered[token[n]]);
		noted[n] = true;
		n = NONE;
		wake_idle()
	:: else
	fi
}

/* port_need_spare */
inline need_spare(s)
{
	atomic {
		if
		:: spare[s] == NONE -> note_new(spare[s])
		:: else
		fi
	}
}

/* port_keep_spare: without the lock, as no process can adopt it any more. */
inline keep_spare(s)
{
#ifndef ANSWERED_IS_TOLD
	if
	:: atomic { spare[s] == NONE || !named[spare[s]] }
	:: atomic { spare[s] != NONE && named[spare[s]] ->
		n = spare[s];
		CHECK(wrong_count, refs > 0);
		refs-- }
		atomic {
			CHECK(used_free, spare[s] == n && used[n]);
			named[n] = false;
			token[n] = NONE;
			n = NONE
		}
	fi
#else
	skip
#endif
}

/* port_call_is_gone */
inline call_is_gone(n)
{
	n = NONE;
	due = false;
	if
#ifdef DOUBT_IS_FORGOTTEN
	:: in_doubt -> n = word; in_doubt = false; word = NONE
#else
	:: in_doubt -> n = word; due = true
#endif
#ifndef HAND_IS_FORGOTTEN
	:: !in_doubt && server != NOBODY ->
		n = spare[server - 1];
		CHECK(no_note, n != NONE)
#endif
	:: else
	fi;
	in_doubt = false;
	if
	:: n != NONE && (due || server != NOBODY) ->
		CHECK(note_is_an_event, n != EVENT);
		CHECK(used_free, used[n]);
		named[n] = true;
#ifndef NOTE_IS_NOT_COUNTED
		refs++;
#endif
		token[n] = made;
		if
		:: due -> tell(n)
		:: else -> n = NONE
		fi
	:: else
	fi;
	due = false
}

/* port_use_spare: what is to be freed is `n`. */
inline use_spare(s)
{
	n = spare[s];
	spare[s] = NONE;
	if
	:: client[s] ->
		CHECK(note_is_lost, !in_doubt);
		word = n;
		in_doubt = true;
		n = NONE
#ifndef LEFT_CALL_IS_NOT_TOLD
	:: !client[s] && n != NONE && named[n] -> tell(n)
#endif
	:: else
	fi
}
